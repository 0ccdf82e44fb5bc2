// A small HTTP server (civetweb) for what other programs look at: a few paths, GET and HEAD. It has
// a handful of threads of its own and a bounded queue; who reads slowly or sends nonsense is cut
// off after seconds, and hinders nobody but other clients.
#ifndef ALERT_HTTP_SERVER_H_
#define ALERT_HTTP_SERVER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

struct mg_connection;
struct mg_context;

namespace correlate {

class HttpServer {
 public:
  struct Answer {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
  };
  // Called on the server's threads, several at once.
  using Handler = std::function<Answer()>;

  // `address`: "127.0.0.1:9435", "[::1]:9435"; ":9435": all of this host's; port 0: any. The
  // calling thread's blocked signals are those of the server's threads.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& address,
                                                           std::map<std::string, Handler> paths);
  ~HttpServer();  // waits for requests that are being answered
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }

 private:
  explicit HttpServer(std::map<std::string, Handler> paths) : paths_(std::move(paths)) {}
  static int OnRequest(mg_connection* connection);
  int Respond(mg_connection* connection) const;

  const std::map<std::string, Handler> paths_;
  mg_context* context_ = nullptr;
  int port_ = 0;
};

}  // namespace correlate

#endif  // ALERT_HTTP_SERVER_H_
