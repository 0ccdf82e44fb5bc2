#include "collector/filter_targets.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "collector/netns_scanner.h"
#include "collector/program_scanner.h"

namespace correlate {
namespace {

absl::Status NoNetns(const std::string& text, absl::string_view why) {
  return absl::NotFoundError(absl::StrCat("--netns '", text, "': ", why));
}

// Checks that the file is a network namespace.
absl::StatusOr<NetnsPlace> PlaceAt(const std::string& text, const std::string& path) {
  const ScopedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) {
    const int error = errno;
    if (error == ENOENT) return NoNetns(text, "there is no such file");
    return ErrnoStatus(error, absl::StrCat("--netns '", text, "'"));
  }
  struct stat status = {};
  if (ioctl(file.get(), NS_GET_NSTYPE) != CLONE_NEWNET || fstat(file.get(), &status) != 0) {
    return NoNetns(text, "that file is no network namespace");
  }
  NetnsPlace place;
  place.inode = status.st_ino;
  place.paths = {path};
  struct stat own = {};
  place.own = stat("/proc/self/ns/net", &own) == 0 && own.st_ino == place.inode;
  return place;
}

absl::StatusOr<NetnsPlace> FindPlace(const std::string& text) {
  if (text.find('/') != text.npos) return PlaceAt(text, text);
  ASSIGN_OR_RETURN(const NetnsDiscovery found, DiscoverNamespaces());
  uint64_t inode = 0;
  const bool is_number = absl::SimpleAtoi(text, &inode);
  // A namespace has one place, and perhaps several names: ask the file itself.
  if (auto named = PlaceAt(text, absl::StrCat("/run/netns/", text)); named.ok()) return named;
  std::vector<std::string> names;
  for (const NetnsPlace& place : found.places) {
    if (is_number && place.inode == inode) return place;
    if (!place.name.empty()) names.push_back(place.name);
  }
  if (is_number) {
    return NoNetns(
        text,
        "neither a name in /run/netns nor the inode number of a namespace that a name or "
        "a process leads to");
  }
  return NoNetns(text, names.empty() ? std::string("/run/netns has no such name, and no other")
                                     : absl::StrCat("/run/netns has no such name; it has ",
                                                    absl::StrJoin(names, ", ")));
}

}  // namespace

absl::StatusOr<NetnsId> FindNetns(const std::string& text) {
  ASSIGN_OR_RETURN(NetnsPlace place, FindPlace(text));
  NetnsId id = {place.inode, 0};
  std::vector<NetnsPlace> places = {std::move(place)};
  const auto walk = VisitNamespaces(std::move(places), [&](const Netns& netns) {
    if (netns.id.inode == id.inode) id = netns.id;
  });
  if (!walk.ok()) return walk.status();
  return id;
}

absl::Status AddProgramText(absl::Span<const uint32_t> ids, event_filter_constants* constants,
                            std::vector<std::string>* notes) {
  for (const uint32_t id : ids) {
    const auto program = ReadProgram(id);
    if (absl::IsNotFound(program.status())) {
      return absl::NotFoundError(absl::StrCat("--program ", id,
                                              ": no such BPF program is loaded; "
                                              "`bpftrace-correlate programs` lists them"));
    }
    RETURN_IF_ERROR(program.status());
    const auto cannot = [&](absl::string_view why) {
      notes->push_back(absl::StrCat("--program ", id, ": ", why,
                                    ": packets freed inside of its own calls may be missing; those "
                                    "freed where it is attached are not"));
    };
    bool any = false;
    for (const ProgramFunction& function : program->functions) {
      if (function.address == 0 || function.length_bytes == 0) continue;
      any = true;
      if (constants->ranges == FILTER_MOST_RANGES) {
        cannot(absl::StrCat("more than ", int{FILTER_MOST_RANGES}, " functions to look for"));
        break;
      }
      constants->range[constants->ranges++] = {function.address,
                                               function.address + function.length_bytes};
    }
    if (!any) cannot("its addresses are not told (kernel.kptr_restrict)");
  }
  return absl::OkStatus();
}

}  // namespace correlate
