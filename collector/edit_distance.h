// How far one name is from another: for "did you mean". Pure.
#ifndef COLLECTOR_EDIT_DISTANCE_H_
#define COLLECTOR_EDIT_DISTANCE_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace correlate {

// Letters to insert, delete, change or swap with a neighbour to get from one to the other.
size_t EditDistance(absl::string_view a, absl::string_view b);

}  // namespace correlate

#endif  // COLLECTOR_EDIT_DISTANCE_H_
