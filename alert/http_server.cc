#include "alert/http_server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <signal.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace correlate {
namespace {

// mg_start ignores SIGCHLD and SIGPIPE for the whole process: children would no longer be told of.
class KeptSignalActions {
 public:
  KeptSignalActions() {
    for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], nullptr, &actions_[i]);
  }
  ~KeptSignalActions() {
    for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &actions_[i], nullptr);
  }

 private:
  static constexpr int kSignals[] = {SIGCHLD, SIGPIPE};
  struct sigaction actions_[std::size(kSignals)];
};

// As civetweb wants it.
absl::StatusOr<std::string> ListeningPort(const std::string& address) {
  const auto bad = [&address] {
    return absl::InvalidArgumentError(
        absl::StrCat("'", address,
                     "' is no address to listen on: 127.0.0.1:9435, [::1]:9435, or :9435 for all"));
  };
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      port > UINT16_MAX) {
    return bad();
  }
  std::string host = address.substr(0, colon);
  if (host.empty()) return absl::StrCat("+", port);  // IPv4 and IPv6
  in6_addr parsed;
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const int family = brackets ? AF_INET6 : AF_INET;
  const std::string number = brackets ? host.substr(1, host.size() - 2) : host;
  if (inet_pton(family, number.c_str(), &parsed) != 1) return bad();
  return address;
}

const char* Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Service Unavailable";
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(
    const std::string& address, std::map<std::string, Handler> paths) {
  const auto port = ListeningPort(address);
  if (!port.ok()) return port.status();
  // A slow client holds a thread for as long as request_timeout_ms.
  const char* options[] = {"listening_ports",
                           port->c_str(),
                           "num_threads",
                           "4",
                           "request_timeout_ms",
                           "3000",
                           "connection_queue",
                           "64",
                           "listen_backlog",
                           "128",
                           "enable_keep_alive",
                           "no",
                           nullptr};
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(paths)));
  mg_callbacks callbacks = {};
  callbacks.begin_request = OnRequest;
  callbacks.log_message = [](const mg_connection*, const char*) { return 1; };  // written nowhere
  const KeptSignalActions kept;
  errno = 0;
  server->context_ = mg_start(&callbacks, server.get(), options);
  if (server->context_ == nullptr) {
    const int error = errno;
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", address, error != 0 ? absl::StrCat(": ", std::strerror(error)) : "",
        "; is something else listening there? (--listen ADDRESS:PORT)"));
  }
  mg_server_port found = {};
  if (mg_get_server_ports(server->context_, 1, &found) > 0) server->port_ = found.port;
  return server;
}

HttpServer::~HttpServer() {
  if (context_ != nullptr) mg_stop(context_);
}

int HttpServer::OnRequest(mg_connection* connection) {
  const auto* server = static_cast<const HttpServer*>(mg_get_request_info(connection)->user_data);
  return server->Respond(connection);
}

int HttpServer::Respond(mg_connection* connection) const {
  const mg_request_info* request = mg_get_request_info(connection);
  const std::string method = request->request_method;
  const bool head = method == "HEAD";
  Answer answer;
  const auto handler = paths_.find(request->local_uri == nullptr ? "" : request->local_uri);
  if (handler == paths_.end()) {
    answer = {.status = 404, .body = "There are:\n"};
    for (const auto& [path, unused] : paths_) absl::StrAppend(&answer.body, path, "\n");
  } else if (!head && method != "GET") {
    answer = {.status = 405, .body = "GET and HEAD\n"};
  } else {
    answer = handler->second();
  }
  const std::string head_text = absl::StrCat(
      "HTTP/1.1 ", answer.status, " ", Reason(answer.status),
      "\r\nContent-Type: ", answer.content_type, "\r\nContent-Length: ", answer.body.size(),
      answer.status == 405 ? "\r\nAllow: GET, HEAD" : "",
      "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
  mg_write(connection, head_text.data(), head_text.size());
  if (!head) mg_write(connection, answer.body.data(), answer.body.size());
  return answer.status;
}

}  // namespace correlate
