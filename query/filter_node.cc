#include "query/filter_node.h"

#include <arpa/inet.h>
#include <fnmatch.h>

#include <cstring>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"

namespace correlate {
namespace {

void ReadNumber(absl::string_view text, FilterLiteral* literal) {
  int64_t negative;
  if (absl::StartsWith(text, "0x") || absl::StartsWith(text, "0X")) {
    literal->has_number = absl::SimpleHexAtoi(text, &literal->number);
  } else if (absl::SimpleAtoi(text, &literal->number)) {
    literal->has_number = true;
  } else if (absl::SimpleAtoi(text, &negative)) {
    literal->has_number = literal->negative = true;
    literal->number = static_cast<uint64_t>(negative);
  }
}

void ReadAddress(absl::string_view text, FilterLiteral* literal) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('/', 1));
  const auto& [address, length] = parts;
  uint32_t most = 0;
  IpFamily family = IpFamily::kNone;
  if (inet_pton(AF_INET, address.c_str(), literal->address.data()) == 1) {
    family = IpFamily::kIpv4;
    most = 32;
  } else if (inet_pton(AF_INET6, address.c_str(), literal->address.data()) == 1) {
    family = IpFamily::kIpv6;
    most = 128;
  } else {
    return;
  }
  literal->prefix_bits = most;
  if (absl::StrContains(text, "/") &&
      (!absl::SimpleAtoi(length, &literal->prefix_bits) || literal->prefix_bits > most)) {
    return;
  }
  literal->family = family;
}

bool SamePrefix(const std::array<uint8_t, 16>& a, const std::array<uint8_t, 16>& b, uint32_t bits) {
  const uint32_t bytes = bits / 8;
  if (std::memcmp(a.data(), b.data(), bytes) != 0) return false;
  const uint32_t rest = bits % 8;
  return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

// -1, 0, 1
int Order(bool a_negative, uint64_t a, bool b_negative, uint64_t b) {
  if (a_negative != b_negative) return a_negative ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;  // two's complement keeps the order of negative ones
}

bool Fits(FilterOperator op, int order) {
  switch (op) {
    case FilterOperator::kEqual:
      return order == 0;
    case FilterOperator::kLess:
      return order < 0;
    case FilterOperator::kLessOrEqual:
      return order <= 0;
    case FilterOperator::kGreater:
      return order > 0;
    case FilterOperator::kGreaterOrEqual:
      return order >= 0;
    default:
      return false;
  }
}

bool FitsLiteral(const EventValue& value, FilterOperator op, const FilterLiteral& literal,
                 EventKey::Form form) {
  if (value.form == EventValue::Form::kAddress) {
    return op == FilterOperator::kEqual && literal.family == value.family &&
           SamePrefix(literal.address, value.address, literal.prefix_bits);
  }
  if (form == EventKey::Form::kTime) {
    return literal.realtime_ns.has_value() &&
           Fits(op, Order(false, value.number, false, *literal.realtime_ns));
  }
  if (value.has_number && literal.has_number &&
      Fits(op, Order(value.negative, value.number, literal.negative, literal.number))) {
    return true;
  }
  if (value.form != EventValue::Form::kText || op != FilterOperator::kEqual) return false;
  if (literal.glob) {
    return fnmatch(literal.text.c_str(), std::string(value.text).c_str(), FNM_NOESCAPE) == 0;
  }
  return value.text == literal.text;
}

}  // namespace

FilterLiteral FilterLiteral::From(std::string text, bool quoted) {
  FilterLiteral literal;
  literal.glob = !quoted && text.find_first_of("*?[") != std::string::npos;
  ReadNumber(text, &literal);
  ReadAddress(text, &literal);
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    literal.realtime_ns = static_cast<uint64_t>(absl::ToUnixNanos(time));
  }
  literal.text = std::move(text);
  return literal;
}

Match AllOf::Evaluate(const ValueSource& source) const {
  Match all = Match::kYes;
  for (const auto& part : parts_) {
    const Match match = part->Evaluate(source);
    if (match == Match::kNo) return match;
    if (match == Match::kUnknown) all = match;
  }
  return all;
}

Match AnyOf::Evaluate(const ValueSource& source) const {
  Match any = Match::kNo;
  for (const auto& part : parts_) {
    const Match match = part->Evaluate(source);
    if (match == Match::kYes) return match;
    if (match == Match::kUnknown) any = match;
  }
  return any;
}

Match Not::Evaluate(const ValueSource& source) const {
  switch (part_->Evaluate(source)) {
    case Match::kNo:
      return Match::kYes;
    case Match::kYes:
      return Match::kNo;
    case Match::kUnknown:
      break;
  }
  return Match::kUnknown;
}

bool Comparison::Fits(const EventValue& value) const {
  if (op_ == FilterOperator::kPresent) return true;
  if (op_ == FilterOperator::kRegex) {
    if (value.form == EventValue::Form::kText) {
      return RE2::PartialMatch(re2::StringPiece(value.text.data(), value.text.size()), *regex_);
    }
    std::string text;
    AppendValue(value, &text);
    return RE2::PartialMatch(text, *regex_);
  }
  for (const FilterLiteral& literal : literals_) {
    if (FitsLiteral(value, op_, literal, key_.form)) return true;
  }
  return false;
}

Match Comparison::Evaluate(const ValueSource& source) const {
  bool fits = false;
  const bool told =
      source.Visit(key_, [&](const EventValue& value) { fits = fits || Fits(value); });
  if (!told) return Match::kUnknown;
  return fits ? Match::kYes : Match::kNo;
}

}  // namespace correlate
