// Follows attachments during a recording: hears what the kernel notifies (rtnl_listener.h), looks
// again where something changed, and now and then everywhere, for much of it is not notified. What
// it finds waits until somebody takes it.
//
// It works on a thread of its own, so that rings are read meanwhile, and takes a small share of one
// CPU however large the host is: the longer a look takes, the longer it waits before the next one.
// Nothing is kept open in a foreign namespace, nor of any program or link.
#ifndef COLLECTOR_ATTACHMENT_MONITOR_H_
#define COLLECTOR_ATTACHMENT_MONITOR_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/scoped_fd.h"
#include "collector/attachment_scanner.h"
#include "collector/event.h"
#include "collector/rtnl_listener.h"

namespace correlate {

class AttachmentMonitor {
 public:
  // Begins to listen and takes the first look at everything; Take() has it then.
  static absl::StatusOr<std::unique_ptr<AttachmentMonitor>> Open();
  ~AttachmentMonitor();

  // Starts the thread. From here on only the functions below may be called, by any thread.
  absl::Status Start();
  // A program was loaded or unloaded: something may be attached soon, or was detached.
  void ProgramsChanged();
  // What was found since the last call, in order.
  std::vector<AttachmentNews> Take();
  std::vector<std::string> TakeNotes();
  // The BPF iterator that this tool loaded, once it has; 0 before.
  uint32_t own_program_id() const { return own_program_id_; }
  // Ends the thread and takes a last look at everything.
  absl::Status Finish();

 private:
  AttachmentMonitor() = default;
  static void* RunThread(void* monitor);
  void Run();
  void Stop();
  void Wait();
  void Listen();
  void Hear(int32_t nsid, const Notification& notification);
  void HearOfNumber(const Notification& notification);
  void Tell(AttachmentNews news);
  void TakeScannerNotes();
  absl::Status LookAtAll();
  void LookAtLinks();
  void LookAtChanged();
  void ForgetEnded();
  void MarkChanged(const NetnsId& netns, uint64_t not_before_ns);
  void LookAtAllSoon();

  AttachmentScanner scanner_;
  std::unique_ptr<RtnlListener> listener_;
  ScopedFd names_;  // inotify on /run/netns
  ScopedFd wake_;   // eventfd
  pthread_t thread_ = {};
  bool running_ = false;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> programs_changed_ = false;
  std::atomic<uint32_t> own_program_id_ = 0;

  // Of the thread.
  std::map<NetnsId, uint64_t> changed_;     // namespaces, and when to look at them
  std::map<NetnsId, uint64_t> rest_until_;  // no look before: the last one was long
  std::set<NetnsId> ended_;
  uint64_t next_all_ns_ = 0;
  uint64_t rest_from_all_until_ns_ = 0;
  uint64_t next_links_ns_ = 0;
  uint64_t links_again_ns_ = 0;
  size_t scanner_notes_taken_ = 0;

  std::mutex mutex_;
  std::vector<AttachmentNews> news_;
  std::vector<std::string> notes_;
};

}  // namespace correlate

#endif  // COLLECTOR_ATTACHMENT_MONITOR_H_
