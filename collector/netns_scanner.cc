#include "collector/netns_scanner.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "collector/capability_set.h"
#include "collector/host_facts.h"

namespace correlate {
namespace {

constexpr char kOwnNetns[] = "/proc/self/ns/net";
constexpr char kNamedNamespaces[] = "/run/netns";
constexpr size_t kMaxPaths = 4;  // of one namespace; enough to survive processes that end

std::vector<std::string> SortedEntries(const char* path) {
  std::vector<std::string> names;
  std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path), closedir);
  if (directory == nullptr) return names;
  while (const dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] != '.') names.push_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// SO_NETNS_COOKIE came with 5.14 (net/core/sock.c).
uint64_t ReadNetnsCookie() {
  const ScopedFd any_socket(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  uint64_t cookie = 0;
  socklen_t bytes = sizeof cookie;
  if (!any_socket.valid() ||
      getsockopt(any_socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &bytes) != 0) {
    return 0;
  }
  return cookie;
}

class Walker {
 public:
  Walker(std::vector<NetnsPlace> places, absl::FunctionRef<void(const Netns&)> look,
         NetlinkSocket* home)
      : places_(std::move(places)), look_(look), home_(home) {}

  // On a thread of its own: it ends up in the last namespace that it entered.
  void Run();

  uint32_t visited() const { return visited_; }
  uint32_t refused() const { return refused_; }

 private:
  enum class Entered { kYes, kGone };
  Entered Enter(const NetnsPlace& place);
  int32_t NsidOf(int netns_fd);

  const std::vector<NetnsPlace> places_;
  const absl::FunctionRef<void(const Netns&)> look_;
  NetlinkSocket* const home_;
  bool at_home_ = true;
  int32_t nsid_ = -1;  // of the namespace entered last
  uint32_t visited_ = 0;
  uint32_t refused_ = 0;  // could not be entered for lack of privilege
};

Walker::Entered Walker::Enter(const NetnsPlace& place) {
  // Processes before names: while a file below /run/netns is open, if only for some microseconds,
  // an umount(2) of it that does not detach fails with EBUSY.
  for (auto path = place.paths.rbegin(); path != place.paths.rend(); ++path) {
    const ScopedFd fd(open(path->c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status = {};
    // Another namespace by now: the process is gone and its id reused.
    if (!fd.valid() || fstat(fd.get(), &status) != 0 || status.st_ino != place.inode) continue;
    nsid_ = NsidOf(fd.get());
    if (setns(fd.get(), CLONE_NEWNET) == 0) return Entered::kYes;
    if (errno != EPERM) continue;
    ++refused_;
    return Entered::kGone;
  }
  return Entered::kGone;
}

int32_t Walker::NsidOf(int netns_fd) {
  if (home_ == nullptr) return -1;
  const auto answer = home_->Ask(NsidRequest(netns_fd));
  if (!answer.ok()) return -1;
  return ParseNsid(*answer).value_or(-1);
}

void Walker::Run() {
  for (const NetnsPlace& place : places_) {
    nsid_ = -1;
    // The thread starts in our own, no privilege needed.
    if (!(place.own && at_home_)) {
      at_home_ = false;
      if (Enter(place) != Entered::kYes) continue;
    }
    Netns netns;
    netns.own = place.own;
    netns.nsid = nsid_;
    netns.heard = home_ != nullptr && (place.own || nsid_ >= 0);
    netns.id = {.inode = place.inode, .cookie = ReadNetnsCookie()};
    netns.name = place.name;
    netns.from_ns = netns.to_ns = ReadClocks().monotonic_ns;
    look_(netns);
    ++visited_;
  }
}

void* RunWalker(void* walker) {
  static_cast<Walker*>(walker)->Run();
  return nullptr;
}

}  // namespace

absl::StatusOr<NetnsDiscovery> DiscoverNamespaces() {
  NetnsDiscovery discovery;
  struct stat own = {};
  if (stat(kOwnNetns, &own) != 0) return ErrnoStatus(errno, kOwnNetns);
  std::map<uint64_t, NetnsPlace> by_inode;
  const auto add = [&](std::string path, const std::string& name) {
    struct stat status = {};
    if (stat(path.c_str(), &status) != 0) {
      if (errno == EACCES || errno == EPERM) ++discovery.hidden_processes;
      return;
    }
    // A file in /run/netns that is no namespace is on another file system: a leftover.
    if (status.st_dev != own.st_dev) return;
    NetnsPlace& place = by_inode[status.st_ino];
    place.inode = status.st_ino;
    if (place.name.empty()) place.name = name;
    if (place.paths.size() < kMaxPaths) place.paths.push_back(std::move(path));
  };
  add(kOwnNetns, "");
  for (const std::string& name : SortedEntries(kNamedNamespaces)) {
    add(absl::StrCat(kNamedNamespaces, "/", name), name);
  }
  for (const std::string& pid : SortedEntries("/proc")) {
    if (absl::ascii_isdigit(pid[0])) add(absl::StrCat("/proc/", pid, "/ns/net"), "");
  }
  discovery.places.push_back(std::move(by_inode.extract(own.st_ino).mapped()));
  discovery.places.back().own = true;
  for (auto& [inode, place] : by_inode) discovery.places.push_back(std::move(place));
  return discovery;
}

absl::StatusOr<NetnsWalk> VisitNamespaces(std::vector<NetnsPlace> places,
                                          absl::FunctionRef<void(const Netns&)> look,
                                          NetlinkSocket* home) {
  Walker walker(std::move(places), look, home);
  // Signals are for the threads that wait for them, not for this one.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, RunWalker, &walker);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return ErrnoStatus(error, "a thread to look into network namespaces");
  pthread_join(thread, nullptr);
  return NetnsWalk{.visited = walker.visited(), .refused = walker.refused()};
}

std::vector<std::string> NetnsNotes(const NetnsDiscovery& discovery, const NetnsWalk& walk) {
  std::vector<std::string> notes;
  if (walk.refused > 0) {
    notes.push_back(absl::StrCat(walk.refused, " network namespaces could not be entered: ",
                                 "that needs CAP_SYS_ADMIN; run as root"));
  }
  // Even root may be kept from a few by a security module or a user namespace: that is no advice.
  if (discovery.hidden_processes > 0 && !CapabilitySet::Effective().Has(CAP_SYS_PTRACE)) {
    notes.push_back(absl::StrCat("the network namespaces of ", discovery.hidden_processes,
                                 " processes could not be seen: that needs CAP_SYS_PTRACE; ",
                                 "run as root"));
  }
  return notes;
}

absl::StatusOr<NetnsWalk> ForEachNetns(absl::FunctionRef<void(const Netns&)> look) {
  ASSIGN_OR_RETURN(NetnsDiscovery discovery, DiscoverNamespaces());
  ASSIGN_OR_RETURN(NetnsWalk walk, VisitNamespaces(discovery.places, look));
  walk.notes = NetnsNotes(discovery, walk);
  return walk;
}

}  // namespace correlate
