#include "alert/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "render/text.h"

namespace correlate {
namespace {

constexpr size_t kMostAnswerBytes = 200;
constexpr long kConnectTimeoutMs = 5000;

size_t KeepBeginning(char* data, size_t size, size_t count, void* answer) {
  auto* text = static_cast<std::string*>(answer);
  text->append(data, std::min(size * count, kMostAnswerBytes - text->size()));
  return size * count;
}

}  // namespace

struct CurlClient::Request {
  ~Request() {
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }
  absl::Status Prepare(const HttpTarget& target);
  void AddHeader(const std::string& header) {
    headers = curl_slist_append(headers, header.c_str());
  }
  absl::Status AddToken(const std::string& file);

  uint64_t number = 0;
  CURL* easy = curl_easy_init();
  curl_slist* headers = nullptr;
  std::string body;
  std::string answer;
  char error[CURL_ERROR_SIZE] = {};
};

absl::Status CurlClient::Request::AddToken(const std::string& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  const std::string token(absl::StripAsciiWhitespace(text));
  const bool clean = std::all_of(token.begin(), token.end(),
                                 [](unsigned char c) { return absl::ascii_isgraph(c); });
  if (token.empty() || !clean) {
    return absl::InvalidArgumentError(absl::StrCat(file, " holds no token"));
  }
  AddHeader(absl::StrCat("Authorization: Bearer ", token));
  return absl::OkStatus();
}

absl::Status CurlClient::Request::Prepare(const HttpTarget& target) {
  if (easy == nullptr) return absl::ResourceExhaustedError("no memory for a request");
  AddHeader("Content-Type: application/json");
  AddHeader("Expect:");  // do not ask first whether the body is welcome
  if (!target.bearer_token_file.empty()) RETURN_IF_ERROR(AddToken(target.bearer_token_file));
  const auto set = [this](CURLoption option, auto value) {
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
  };
  bool done = set(CURLOPT_URL, target.url.c_str()) && set(CURLOPT_HTTPHEADER, headers) &&
              set(CURLOPT_POST, 1L) && set(CURLOPT_POSTFIELDS, body.c_str()) &&
              set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size())) &&
              set(CURLOPT_NOSIGNAL, 1L) && set(CURLOPT_PROTOCOLS_STR, "http,https") &&
              set(CURLOPT_ERRORBUFFER, error) && set(CURLOPT_WRITEFUNCTION, KeepBeginning) &&
              set(CURLOPT_WRITEDATA, &answer) && set(CURLOPT_USERAGENT, "bpftrace-correlate") &&
              set(CURLOPT_TIMEOUT_MS, static_cast<long>(target.timeout_ns / 1'000'000)) &&
              set(CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  const auto set_file = [&](CURLoption option, const std::string& file) {
    if (!file.empty()) done = done && set(option, file.c_str());
  };
  set_file(CURLOPT_CAINFO, target.ca_file);
  set_file(CURLOPT_SSLCERT, target.cert_file);
  set_file(CURLOPT_SSLKEY, target.key_file);
  return done ? absl::OkStatus() : absl::InvalidArgumentError("libcurl refuses the request");
}

CurlClient::CurlClient() : multi_(curl_multi_init()) {}

bool CurlClient::Available() { return true; }

absl::StatusOr<std::unique_ptr<CurlClient>> CurlClient::Create() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  std::unique_ptr<CurlClient> client(new CurlClient);
  if (!ready || client->multi_ == nullptr) return absl::InternalError("libcurl does not start");
  return client;
}

CurlClient::~CurlClient() {
  for (const auto& [easy, request] : requests_) curl_multi_remove_handle(multi_, easy);
  requests_.clear();
  curl_multi_cleanup(multi_);
}

uint64_t CurlClient::Post(const HttpTarget& target, std::string body) {
  auto request = std::make_unique<Request>();
  request->number = ++last_;
  request->body = std::move(body);
  if (const absl::Status ready = request->Prepare(target); !ready.ok()) {
    refused_.push_back({last_, 0, std::string(ready.message())});
    return last_;
  }
  curl_multi_add_handle(multi_, request->easy);
  requests_[request->easy] = std::move(request);
  return last_;
}

std::vector<HttpAnswer> CurlClient::Take() {
  std::vector<HttpAnswer> answers = std::exchange(refused_, {});
  int running = 0;
  curl_multi_perform(multi_, &running);
  int waiting = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &waiting)) {
    if (message->msg != CURLMSG_DONE) continue;
    const auto found = requests_.find(message->easy_handle);
    const Request& request = *found->second;
    HttpAnswer answer = {.request = request.number};
    if (message->data.result == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(request.easy, CURLINFO_RESPONSE_CODE, &status);
      answer.status = static_cast<int>(status);
      answer.what = Printable(ValidUtf8(request.answer));
    } else {
      answer.what = Printable(*request.error != '\0' ? request.error
                                                     : curl_easy_strerror(message->data.result));
    }
    answers.push_back(std::move(answer));
    curl_multi_remove_handle(multi_, found->first);
    requests_.erase(found);
  }
  return answers;
}

}  // namespace correlate
