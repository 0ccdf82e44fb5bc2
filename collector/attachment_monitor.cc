#include "collector/attachment_monitor.h"

#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "collector/host_facts.h"
#include "collector/tc_filters.h"

namespace correlate {
namespace {

constexpr char kNamedNamespaces[] = "/run/netns";
constexpr uint64_t kMs = 1'000'000;
// Everything, where nothing was notified: at most so often, and at most a hundredth of the time.
constexpr uint64_t kAllEveryNs = 250 * kMs;
constexpr uint64_t kAllShare = 100;
// Links alone, which takes a fraction of that.
constexpr uint64_t kLinksEveryNs = 1'000 * kMs;
// Where something happened: soon, when the rest of it has happened too, and at most a twentieth.
constexpr uint64_t kSettleNs = 20 * kMs;
constexpr uint64_t kShare = 20;
// A program is attached at once after its load by most tools, and by some after others are loaded.
constexpr uint64_t kAttachSoonNs = 5 * kMs;
constexpr uint64_t kAttachLateNs = 100 * kMs;

uint64_t NowNs() { return ReadClocks().monotonic_ns; }

void Earlier(uint64_t& time_ns, uint64_t other_ns) { time_ns = std::min(time_ns, other_ns); }

void DrainFd(const ScopedFd& fd) {
  alignas(inotify_event) char bytes[4096];
  while (read(fd.get(), bytes, sizeof bytes) > 0) {
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<AttachmentMonitor>> AttachmentMonitor::Open() {
  std::unique_ptr<AttachmentMonitor> monitor(new AttachmentMonitor);
  monitor->wake_ = ScopedFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!monitor->wake_.valid()) return ErrnoStatus(errno, "eventfd");
  auto listener = RtnlListener::Open();
  if (!listener.ok()) {
    monitor->notes_.push_back(absl::StrCat("changes of attachments are seen by looks alone: ",
                                           listener.status().message()));
  } else {
    monitor->listener_ = std::make_unique<RtnlListener>(std::move(listener).value());
    if (!monitor->listener_->hears_all()) {
      monitor->notes_.emplace_back(
          "changes of attachments in other network namespaces are seen by looks alone: "
          "notifications of them need CAP_NET_BROADCAST; run as root");
    }
  }
  monitor->names_ = ScopedFd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (monitor->names_.valid()) {
    inotify_add_watch(monitor->names_.get(), kNamedNamespaces,
                      IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR);
  }
  RETURN_IF_ERROR(monitor->LookAtAll());
  return monitor;
}

AttachmentMonitor::~AttachmentMonitor() { Stop(); }

absl::Status AttachmentMonitor::Start() {
  // Signals are for the threads that wait for them, not for this one.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = pthread_create(&thread_, nullptr, RunThread, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return ErrnoStatus(error, "a thread to follow attachments");
  running_ = true;
  return absl::OkStatus();
}

void AttachmentMonitor::Stop() {
  if (!running_) return;
  stop_ = true;
  eventfd_write(wake_.get(), 1);
  pthread_join(thread_, nullptr);
  running_ = false;
}

absl::Status AttachmentMonitor::Finish() {
  Stop();
  Listen();
  ForgetEnded();
  return LookAtAll();
}

void AttachmentMonitor::ProgramsChanged() {
  if (!programs_changed_.exchange(true)) eventfd_write(wake_.get(), 1);
}

std::vector<AttachmentNews> AttachmentMonitor::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(news_, {});
}

std::vector<std::string> AttachmentMonitor::TakeNotes() {
  const std::lock_guard lock(mutex_);
  return std::exchange(notes_, {});
}

void AttachmentMonitor::Tell(AttachmentNews news) {
  const std::lock_guard lock(mutex_);
  news_.push_back(std::move(news));
}

void AttachmentMonitor::TakeScannerNotes() {
  const std::lock_guard lock(mutex_);
  for (; scanner_notes_taken_ < scanner_.notes().size(); ++scanner_notes_taken_) {
    notes_.push_back(scanner_.notes()[scanner_notes_taken_]);
  }
}

void* AttachmentMonitor::RunThread(void* monitor) {
  static_cast<AttachmentMonitor*>(monitor)->Run();
  return nullptr;
}

void AttachmentMonitor::Run() {
  scanner_.LoadIterator();
  own_program_id_ = scanner_.own_program_id();
  next_all_ns_ = NowNs();  // again, with what links tell
  next_links_ns_ = next_all_ns_ + kLinksEveryNs;
  links_again_ns_ = kForever;
  while (!stop_) {
    Wait();
    Listen();
    ForgetEnded();
    if (stop_) return;
    const uint64_t now_ns = NowNs();
    if (programs_changed_.exchange(false)) {
      Earlier(next_links_ns_, now_ns + kAttachSoonNs);
      links_again_ns_ = now_ns + kAttachLateNs;
      // tcx without a link, and cgroups, are seen by looks at everything only.
      LookAtAllSoon();
    }
    if (now_ns >= next_all_ns_) {
      LookAtAll().IgnoreError();  // what it is for lack of was told by the first look
    } else if (now_ns >= std::min(next_links_ns_, links_again_ns_)) {
      LookAtLinks();
    }
    LookAtChanged();
  }
}

void AttachmentMonitor::Wait() {
  uint64_t next_ns = std::min({next_all_ns_, next_links_ns_, links_again_ns_});
  for (const auto& [netns, due_ns] : changed_) Earlier(next_ns, due_ns);
  const uint64_t now_ns = NowNs();
  const uint64_t wait_ms = next_ns > now_ns ? (next_ns - now_ns + kMs - 1) / kMs : 0;
  pollfd fds[] = {{wake_.get(), POLLIN, 0},
                  {names_.get(), POLLIN, 0},
                  {listener_ != nullptr ? listener_->fd() : -1, POLLIN, 0}};
  poll(fds, std::size(fds), static_cast<int>(std::min<uint64_t>(wait_ms, 10'000)));
  if ((fds[0].revents & POLLIN) != 0) DrainFd(wake_);
  if ((fds[1].revents & POLLIN) != 0) {
    DrainFd(names_);
    LookAtAllSoon();
  }
}

void AttachmentMonitor::LookAtAllSoon() {
  Earlier(next_all_ns_, std::max(NowNs() + kSettleNs, rest_from_all_until_ns_));
}

void AttachmentMonitor::MarkChanged(const NetnsId& netns, uint64_t not_before_ns) {
  const auto rest = rest_until_.find(netns);
  if (rest != rest_until_.end()) not_before_ns = std::max(not_before_ns, rest->second);
  changed_.try_emplace(netns, not_before_ns);
}

void AttachmentMonitor::Listen() {
  if (listener_ == nullptr) return;
  const bool whole = listener_->Read(
      [this](int32_t nsid, const Notification& notification) { Hear(nsid, notification); });
  if (whole) return;
  const std::lock_guard lock(mutex_);
  constexpr char kLost[] =
      "some of the kernel's notifications of network changes were lost in a rush of them; "
      "attachments were looked at again instead";
  if (std::find(notes_.begin(), notes_.end(), kLost) == notes_.end()) notes_.emplace_back(kLost);
  LookAtAllSoon();
}

void AttachmentMonitor::HearOfNumber(const Notification& notification) {
  if (notification.type == RTM_NEWNSID) return LookAtAllSoon();
  const auto numbered = scanner_.heard().find(notification.nsid);
  if (numbered == scanner_.heard().end()) return;
  Tell(NetnsLost{numbered->second, NowNs(), /*ended=*/true});
  ended_.insert(numbered->second);
}

void AttachmentMonitor::Hear(int32_t nsid, const Notification& notification) {
  if (notification.type == RTM_NEWNSID || notification.type == RTM_DELNSID) {
    // Those of others are numbers that others gave.
    if (nsid == -1) HearOfNumber(notification);
    return;
  }
  const auto heard = scanner_.heard().find(nsid);
  // Numbers of namespaces that ended are given anew.
  if (heard == scanner_.heard().end() || ended_.contains(heard->second) ||
      !scanner_.InSight(heard->second)) {
    return LookAtAllSoon();
  }
  const NetnsId& netns = heard->second;
  const uint64_t now_ns = NowNs();
  MarkChanged(netns, now_ns + kSettleNs);
  if (notification.type != RTM_NEWTFILTER && notification.type != RTM_DELTFILTER) return;
  const FilterMessage& filter = notification.filter;
  auto place = scanner_.PlaceOnDevice(netns, notification.ifindex);
  if (!place.has_value() || !filter.hook.has_value() || filter.program_id == 0) return;
  place->hook = "tc";
  place->direction = *filter.hook == TcHook::kIngress ? "ingress" : "egress";
  scanner_.TellAnew(netns);
  Tell(AttachmentNotice{now_ns, notification.type == RTM_NEWTFILTER,
                        FilterAttachment(*place, filter)});
}

void AttachmentMonitor::ForgetEnded() {
  for (const NetnsId& netns : std::exchange(ended_, {})) {
    scanner_.Forget(netns);
    changed_.erase(netns);
    rest_until_.erase(netns);
  }
}

absl::Status AttachmentMonitor::LookAtAll() {
  const uint64_t begin_ns = NowNs();
  absl::Status status = scanner_.LookAtAll([this](AttachmentNews news) {
    Tell(std::move(news));
    Listen();  // so that what is notified and what is seen stay in order
  });
  TakeScannerNotes();
  ForgetEnded();
  const uint64_t end_ns = NowNs();
  const uint64_t took_ns = end_ns - begin_ns;
  next_all_ns_ = end_ns + std::max(kAllEveryNs, kAllShare * took_ns);
  rest_from_all_until_ns_ = end_ns + kShare * took_ns;
  next_links_ns_ = end_ns + kLinksEveryNs;
  std::erase_if(rest_until_, [&](const auto& rest) { return rest.second < end_ns; });
  return status;
}

void AttachmentMonitor::LookAtLinks() {
  const uint64_t begin_ns = NowNs();
  if (begin_ns >= links_again_ns_) links_again_ns_ = kForever;
  for (const NetnsId& netns : scanner_.NamespacesOfChangedLinks()) {
    if (netns.inode == 0) {
      LookAtAllSoon();  // cgroups, extensions
    } else {
      MarkChanged(netns, begin_ns);
    }
  }
  const uint64_t end_ns = NowNs();
  next_links_ns_ = end_ns + std::max(kLinksEveryNs, kAllShare * (end_ns - begin_ns));
  if (links_again_ns_ != kForever) {
    links_again_ns_ = std::max(links_again_ns_, end_ns + kShare * (end_ns - begin_ns));
  }
}

void AttachmentMonitor::LookAtChanged() {
  const uint64_t begin_ns = NowNs();
  std::set<NetnsId> due;
  std::erase_if(changed_, [&](const auto& entry) {
    if (entry.second > begin_ns) return false;
    due.insert(entry.first);
    return true;
  });
  if (due.empty()) return;
  scanner_
      .LookAt(due,
              [this](AttachmentNews news) {
                if (const auto* look = std::get_if<AttachmentLook>(&news)) {
                  rest_until_[look->netns.id] =
                      look->end_ns + kShare * (look->end_ns - look->begin_ns);
                }
                Tell(std::move(news));
                Listen();
              })
      .IgnoreError();  // that is a thread that could not be had
  TakeScannerNotes();
}

}  // namespace correlate
