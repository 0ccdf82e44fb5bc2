#include "alert/delivery.h"

#include "absl/strings/str_cat.h"

namespace correlate {
namespace {

// No answer, too many requests, and errors of the server pass; others do not.
Delivery DeliveryOf(const HttpAnswer& answer) {
  if (answer.status >= 200 && answer.status < 300) return Delivery::kTaken;
  constexpr int kRequestTimeout = 408;
  constexpr int kTooManyRequests = 429;
  const bool passes = answer.status == 0 || answer.status == kRequestTimeout ||
                      answer.status == kTooManyRequests || answer.status >= 500;
  return passes ? Delivery::kTryAgain : Delivery::kRefused;
}

}  // namespace

Delivery DeliveryLog::Note(const HttpAnswer& answer, absl::string_view url,
                           absl::string_view content, uint64_t now_ns, BackOff* back_off) {
  const Delivery delivery = DeliveryOf(answer);
  const std::string what =
      answer.status == 0 ? answer.what : absl::StrCat(answer.status, " ", answer.what);
  switch (delivery) {
    case Delivery::kTaken:
      ++counts_.delivered;
      if (back_off->failed()) problems_.push_back(absl::StrCat(url, " answers again"));
      back_off->Worked();
      break;
    case Delivery::kRefused:
      ++counts_.refused;
      problems_.push_back(absl::StrCat(url, " refuses ", content, ": ", what));
      back_off->Worked();
      break;
    case Delivery::kTryAgain:
      ++counts_.failed;
      if (!back_off->failed()) {
        problems_.push_back(absl::StrCat(url, ": ", what, "; alerts wait until it takes them"));
      }
      back_off->Failed(now_ns);
      break;
  }
  return delivery;
}

}  // namespace correlate
