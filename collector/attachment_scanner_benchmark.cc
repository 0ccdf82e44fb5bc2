// How long a look at a host with many network namespaces takes. Needs root and Google Benchmark:
//   bazel run -c opt //collector:attachment_scanner_benchmark
// Each namespace belongs to a child process and ends with it.
#include <benchmark/benchmark.h>
#include <net/if.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "collector/attachment_scanner.h"
#include "collector/netns_scanner.h"
#include "collector/test_network.h"
#include "collector/test_programs.h"

namespace correlate {
namespace {

class Namespaces {
 public:
  // In each a pair of devices, one of them with clsact and a filter.
  explicit Namespaces(int64_t count) {
    const ScopedFd program = LoadReturning(BPF_PROG_TYPE_SCHED_CLS, 0, "benchmark");
    int pipe_fds[2];
    if (pipe(pipe_fds) != 0) return;
    const ScopedFd reader(pipe_fds[0]);
    ScopedFd writer(pipe_fds[1]);
    for (int64_t i = 0; i < count; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        const char ok = EnterNewNetns() && AddVethPair("one", "two") &&
                        AddClsact(if_nametoindex("one")) &&
                        AddBpfFilter(if_nametoindex("one"), TcHook::kIngress, 0, 1, 1, program);
        if (write(writer.get(), &ok, 1) != 1) _exit(1);
        for (;;) pause();
      }
      children_.push_back(child);
      char ok = 0;
      if (child < 0 || read(reader.get(), &ok, 1) != 1 || ok != 1) return;
    }
    made_ = true;
  }
  ~Namespaces() {
    for (const pid_t child : children_) kill(child, SIGKILL);
    for (const pid_t child : children_) waitpid(child, nullptr, 0);
  }
  Namespaces(const Namespaces&) = delete;
  Namespaces& operator=(const Namespaces&) = delete;

  bool made() const { return made_; }

 private:
  std::vector<pid_t> children_;
  bool made_ = false;
};

void BM_Discover(benchmark::State& state) {
  const Namespaces namespaces(state.range(0));
  if (!namespaces.made()) return state.SkipWithError("no network namespaces to be had here");
  for (auto _ : state) benchmark::DoNotOptimize(DiscoverNamespaces());
}
BENCHMARK(BM_Discover)->Arg(200)->Unit(benchmark::kMillisecond);

void BM_ScanAttachments(benchmark::State& state) {
  const Namespaces namespaces(state.range(0));
  if (!namespaces.made()) return state.SkipWithError("no network namespaces to be had here");
  size_t devices = 0, attachments = 0;
  for (auto _ : state) {
    const auto scan = ScanAttachments();
    if (!scan.ok()) return state.SkipWithError(scan.status().ToString().c_str());
    devices = scan->devices.size();
    attachments = scan->attachments.size();
  }
  state.counters["devices"] = static_cast<double>(devices);
  state.counters["attachments"] = static_cast<double>(attachments);
}
BENCHMARK(BM_ScanAttachments)
    ->Arg(1)
    ->Arg(200)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// What the follower of attachments does over and over.
void BM_LookAtAllAgain(benchmark::State& state) {
  const Namespaces namespaces(state.range(0));
  if (!namespaces.made()) return state.SkipWithError("no network namespaces to be had here");
  AttachmentScanner scanner;
  scanner.LoadIterator();
  const auto forget = [](const AttachmentNews&) {};
  if (!scanner.LookAtAll(forget).ok()) return state.SkipWithError("the first look failed");
  for (auto _ : state) {
    if (!scanner.LookAtAll(forget).ok()) return state.SkipWithError("a look failed");
  }
}
BENCHMARK(BM_LookAtAllAgain)
    ->Arg(1)
    ->Arg(200)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace correlate
