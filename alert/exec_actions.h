// Commands that alerts run: never through a shell, with the alert as JSON on stdin, killed when
// they take too long. For one alert never two at once: what happens meanwhile waits, and of that
// the latest alone. Memory is bounded. One thread; nothing blocks.
#ifndef ALERT_EXEC_ACTIONS_H_
#define ALERT_EXEC_ACTIONS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "alert/rule.h"

namespace correlate {

class ExecActions {
 public:
  static constexpr size_t kMostAtOnce = 16;  // commands, of all alerts
  static constexpr size_t kMostWaiting = 1000;

  ~ExecActions();  // kills what still runs

  // `alert`: the same for one alert throughout.
  void Run(const std::string& alert, const AlertAction& action, const std::string& json);
  // Ends what took too long and begins what waits. Call often.
  void Tick(uint64_t now_ns);
  bool idle() const { return running_.empty() && waiting_.empty(); }
  // What went wrong since the last call, one sentence each.
  std::vector<std::string> TakeProblems();

 private:
  struct Running {
    pid_t pid = 0;
    uint64_t deadline_ns = 0;
    bool killed = false;
    std::string command;
  };
  struct Waiting {
    AlertAction action;
    std::string json;
  };
  absl::Status Start(const std::string& key, const Waiting& what, uint64_t now_ns);
  void Problem(std::string text);

  // By alert and action.
  std::map<std::string, Running> running_;
  std::map<std::string, Waiting> waiting_;
  std::vector<std::string> problems_;
};

}  // namespace correlate

#endif  // ALERT_EXEC_ACTIONS_H_
