// What this build calls itself, in traces and in --version.
#ifndef BASE_VERSION_H_
#define BASE_VERSION_H_

namespace correlate {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace correlate

#endif  // BASE_VERSION_H_
