// What this build calls itself, in traces and in --version.
#ifndef CLI_VERSION_H_
#define CLI_VERSION_H_

namespace correlate {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace correlate

#endif  // CLI_VERSION_H_
