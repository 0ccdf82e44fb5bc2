// What the process's exit status means; scripts rely on it (README, "Exit codes").
#ifndef CLI_EXIT_CODES_H_
#define CLI_EXIT_CODES_H_

namespace correlate {

inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFailure = 1;   // failed at run time
inline constexpr int kExitUsage = 2;     // bad usage
inline constexpr int kExitFindings = 3;  // findings, only with --exit-code
inline constexpr int kExitDamaged =
    4;  // the trace was damaged or cut short; what is whole was printed
// `record -- CMD` ends with CMD's own status; these say that it is not CMD's.
inline constexpr int kExitRecordFailure = 125;
inline constexpr int kExitCannotExecute = 126;
inline constexpr int kExitNotFound = 127;

}  // namespace correlate

#endif  // CLI_EXIT_CODES_H_
