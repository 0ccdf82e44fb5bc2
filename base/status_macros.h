// The two macros that let a function pass an error on in one line. Nothing else of the kind.
#ifndef BASE_STATUS_MACROS_H_
#define BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define RETURN_IF_ERROR(expression)                                         \
  do {                                                                      \
    if (absl::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

#define CORRELATE_CONCAT_INNER_(a, b) a##b
#define CORRELATE_CONCAT_(a, b) CORRELATE_CONCAT_INNER_(a, b)

// ASSIGN_OR_RETURN(auto value, Function()): declares or assigns, or returns the error.
#define ASSIGN_OR_RETURN(lhs, expression) \
  ASSIGN_OR_RETURN_IMPL_(CORRELATE_CONCAT_(status_or_, __LINE__), lhs, expression)
#define ASSIGN_OR_RETURN_IMPL_(result, lhs, expression) \
  auto result = (expression);                           \
  if (!result.ok()) return std::move(result).status();  \
  lhs = std::move(result).value()

#endif  // BASE_STATUS_MACROS_H_
