// Looks at where BPF programs are attached to the network, on the whole host or in some of its
// network namespaces: XDP, tc, tcx and netkit on devices, cgroups, netfilter, and what bpf_links
// tell of places that cannot be looked at. Nothing stays open, see netns_scanner.h.
//
// A scanner remembers what it saw, so that a look that sees the same is but a word. One thread at a
// time.
#ifndef COLLECTOR_ATTACHMENT_SCANNER_H_
#define COLLECTOR_ATTACHMENT_SCANNER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/event.h"
#include "collector/link_iterator.h"
#include "collector/netlink_socket.h"
#include "collector/netns_look.h"
#include "collector/netns_scanner.h"

namespace correlate {

class AttachmentScanner {
 public:
  // Called with every piece of news as soon as it is there, on another thread.
  using Tell = absl::FunctionRef<void(AttachmentNews)>;

  AttachmentScanner();

  // Gets the BPF iterator over links ready, which takes some 40 ms; once. Looks before it tell
  // nothing of what only links tell, not even that it is absent. Where there is a link to a hook of
  // netfilter, of which nothing else tells, the first look at all does it by itself.
  void LoadIterator();

  // All namespaces, cgroups and links.
  absl::Status LookAtAll(Tell tell);
  // Only these namespaces, as far as they are known from before.
  absl::Status LookAt(const std::set<NetnsId>& namespaces, Tell tell);
  // Only links: the namespaces in which one is new, changed or gone since the last look at links.
  // Nothing is told.
  std::set<NetnsId> NamespacesOfChangedLinks();

  // It has ended: its looks are forgotten, so that none is taken for it any more.
  void Forget(const NetnsId& netns);
  // Something else than a look told of it: the next look tells everything again. May be called
  // while a look tells.
  void TellAnew(const NetnsId& netns);
  // A place on a device as the last look saw the device; none if it did not.
  std::optional<Attachment> PlaceOnDevice(const NetnsId& netns, uint32_t ifindex) const;
  // Those that the kernel notifies us of, by their number (-1: our own), until they are forgotten.
  const std::map<int32_t, NetnsId>& heard() const { return heard_; }
  bool InSight(const NetnsId& netns) const { return known_.contains(netns); }

  // The BPF iterator that this tool loaded; 0: none.
  uint32_t own_program_id() const { return iterator_ ? iterator_->program_id() : 0; }
  // What cannot be seen and why, one plain sentence each; grows.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  // The last look at a part of the host.
  struct Last {
    std::optional<AttachmentLook> look;
    bool tell_anew = false;
  };
  struct Known {
    NetnsPlace place;
    Netns netns;
    Last last;
  };
  void ReadLinks();
  absl::Status Visit(std::vector<NetnsPlace> places, Tell tell, NetnsWalk* walk,
                     std::set<NetnsId>* visited);
  static void Finish(AttachmentLook look, Last& last, Tell tell);
  void LookAtCgroups(Tell tell);
  void LookAtLinks(Tell tell);
  void Note(std::string text);

  std::unique_ptr<LinkIterator> iterator_;
  bool iterator_refused_ = false;      // there is none to be had
  std::optional<NetlinkSocket> home_;  // of our own namespace
  NetnsLooker looker_;
  std::vector<BpfLink> links_;
  bool links_whole_ = false;  // they say all that this kernel tells us, namespaces above all
  std::map<NetnsId, Known> known_;
  std::map<int32_t, NetnsId> heard_;
  std::set<uint64_t> cgroup_ids_;
  Last cgroups_;
  Last link_places_;
  std::vector<std::string> notes_;
};

// One look at the whole host. Every entry's from_ns and to_ns are the time of the look at it.
struct AttachmentScan {
  std::vector<Netns> namespaces;
  std::vector<Device> devices;
  std::vector<Attachment> attachments;  // on one hook of one device in the order in which they run
  std::vector<std::string> notes;       // what could not be seen and why, one plain sentence each
};
absl::StatusOr<AttachmentScan> ScanAttachments();

}  // namespace correlate

#endif  // COLLECTOR_ATTACHMENT_SCANNER_H_
