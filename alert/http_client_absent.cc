#include <utility>

#include "alert/http_client.h"

namespace correlate {

struct CurlClient::Request {};

bool CurlClient::Available() { return false; }

absl::StatusOr<std::unique_ptr<CurlClient>> CurlClient::Create() {
  return std::unique_ptr<CurlClient>(new CurlClient);
}

CurlClient::CurlClient() = default;
CurlClient::~CurlClient() = default;

uint64_t CurlClient::Post(const HttpTarget&, std::string) {
  refused_.push_back({++last_, 0, "this program is built without HTTP"});
  return last_;
}

std::vector<HttpAnswer> CurlClient::Take() { return std::exchange(refused_, {}); }

}  // namespace correlate
