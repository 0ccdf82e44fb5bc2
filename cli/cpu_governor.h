// Holds a recording to a share of the host's CPU time (--max-cpu): lowers what it spends on
// callchains first, then on whole events, and raises both again when there is room. What is not
// recorded is still counted. Pure: told what was used, says what is allowed from now on.
#ifndef CLI_CPU_GOVERNOR_H_
#define CLI_CPU_GOVERNOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "collector/enricher.h"

namespace correlate {

class CpuGovernor {
 public:
  // `most`: of all CPUs together, 0.01 is one percent. `asked`: what is allowed without need.
  CpuGovernor(double most, const Enricher::Limits& asked);

  struct Use {
    double share = 0;           // of all CPUs together, since the last time
    double whole_a_second = 0;  // events written whole, of the CPU that had most
  };
  // To be called every so often (some 250 ms). True if the limits are others now.
  bool Adjust(const Use& use);
  const Enricher::Limits& limits() const { return limits_; }

  // Sentences for the user: that and when sparing began, went further, and ended.
  std::vector<std::string> TakeNotes();
  // The lowest that the limits ever were.
  const Enricher::Limits& lowest() const { return lowest_; }

 private:
  enum class Sparing { kNothing, kStacks, kWhole, kAll };
  bool Lower(const Use& use);
  bool Raise();
  void Note();

  const double most_;
  const Enricher::Limits asked_;
  Enricher::Limits limits_;
  Enricher::Limits lowest_;
  Sparing told_ = Sparing::kNothing;
  int calm_ = 0;  // calls in a row that left room
  std::vector<std::string> notes_;
};

}  // namespace correlate

#endif  // CLI_CPU_GOVERNOR_H_
