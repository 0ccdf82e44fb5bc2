// What an expression is made of, once it is parsed. Internal to filter.h.
#ifndef QUERY_FILTER_NODE_H_
#define QUERY_FILTER_NODE_H_

#include <re2/re2.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "query/filter.h"

namespace correlate {

class FilterNode {
 public:
  virtual ~FilterNode() = default;
  virtual Match Evaluate(const ValueSource& source) const = 0;
};

using FilterNodes = std::vector<std::unique_ptr<const FilterNode>>;

// Kleene's three-valued logic: unknown and no is no, unknown or yes is yes.
class AllOf : public FilterNode {
 public:
  explicit AllOf(FilterNodes parts) : parts_(std::move(parts)) {}
  Match Evaluate(const ValueSource& source) const override;

 private:
  const FilterNodes parts_;
};

class AnyOf : public FilterNode {
 public:
  explicit AnyOf(FilterNodes parts) : parts_(std::move(parts)) {}
  Match Evaluate(const ValueSource& source) const override;

 private:
  const FilterNodes parts_;
};

class Not : public FilterNode {
 public:
  explicit Not(std::unique_ptr<const FilterNode> part) : part_(std::move(part)) {}
  Match Evaluate(const ValueSource& source) const override;

 private:
  const std::unique_ptr<const FilterNode> part_;
};

// A value as it stands in an expression, with all that it can be read as.
struct FilterLiteral {
  static FilterLiteral From(std::string text, bool quoted);

  std::string text;
  bool glob = false;
  bool has_number = false;
  bool negative = false;
  uint64_t number = 0;
  IpFamily family = IpFamily::kNone;
  std::array<uint8_t, 16> address = {};
  uint32_t prefix_bits = 0;
  std::optional<uint64_t> realtime_ns;  // RFC 3339
};

enum class FilterOperator {
  kPresent,
  kEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kRegex
};

// True if one value of the key fits one of the literals.
class Comparison : public FilterNode {
 public:
  Comparison(EventKey key, FilterOperator op, std::vector<FilterLiteral> literals,
             std::unique_ptr<const RE2> regex)
      : key_(std::move(key)), op_(op), literals_(std::move(literals)), regex_(std::move(regex)) {}
  Match Evaluate(const ValueSource& source) const override;

 private:
  bool Fits(const EventValue& value) const;

  const EventKey key_;
  const FilterOperator op_;
  const std::vector<FilterLiteral> literals_;
  const std::unique_ptr<const RE2> regex_;  // kRegex
};

}  // namespace correlate

#endif  // QUERY_FILTER_NODE_H_
