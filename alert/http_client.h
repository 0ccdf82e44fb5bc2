// Posts bodies over HTTP and HTTPS (libcurl) without ever waiting: begin some, and come back for
// what became of them. Redirects are not followed. One thread.
#ifndef ALERT_HTTP_CLIENT_H_
#define ALERT_HTTP_CLIENT_H_

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace correlate {

// Where to post, and as whom. Files are read anew for each request: what is in them may change.
struct HttpTarget {
  std::string url;                // http: or https:
  std::string bearer_token_file;  // empty: no token
  std::string ca_file;            // PEM; empty: the host's
  std::string cert_file;          // of ours, PEM, with key_file
  std::string key_file;
  uint64_t timeout_ns = 0;  // of a whole request
  friend auto operator<=>(const HttpTarget&, const HttpTarget&) = default;
};

struct HttpAnswer {
  uint64_t request = 0;
  int status = 0;    // 0: none came
  std::string what;  // for people: the error, or how the answer begins
};

// The seam at which tests put what cannot be provoked.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Returns the request's number. `body` is JSON.
  virtual uint64_t Post(const HttpTarget& target, std::string body) = 0;
  // Moves all requests on. The answers that came since; each request gets one.
  virtual std::vector<HttpAnswer> Take() = 0;
};

class CurlClient : public HttpClient {
 public:
  // In this build: without libcurl (tools/package) it is http_client_absent.cc, whose every answer
  // says so.
  static bool Available();
  static absl::StatusOr<std::unique_ptr<CurlClient>> Create();
  ~CurlClient() override;  // what is on its way is given up

  uint64_t Post(const HttpTarget& target, std::string body) override;
  std::vector<HttpAnswer> Take() override;

 private:
  struct Request;
  CurlClient();
  void* multi_ = nullptr;                               // CURLM
  std::map<void*, std::unique_ptr<Request>> requests_;  // by their CURL
  std::vector<HttpAnswer> refused_;                     // that could not be begun
  uint64_t last_ = 0;
};

}  // namespace correlate

#endif  // ALERT_HTTP_CLIENT_H_
