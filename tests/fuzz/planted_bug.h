// A bug on purpose, in every target, behind a state that no seed reaches: with PLANTED_BUG set in
// the environment the target stops there. `tools/fuzz --planted` sees how long it takes to find it.
// What finds none of these would find no other either.
#ifndef TESTS_FUZZ_PLANTED_BUG_H_
#define TESTS_FUZZ_PLANTED_BUG_H_

#include <cstdlib>

namespace correlate {

inline void PlantedBug(bool reached) {
  static const bool planted = std::getenv("PLANTED_BUG") != nullptr;
  if (planted && reached) __builtin_trap();
}

}  // namespace correlate

#endif  // TESTS_FUZZ_PLANTED_BUG_H_
