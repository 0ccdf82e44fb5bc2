#include "collector/link_iterator.h"

#include <bpf/bpf.h>
#include <string.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/errno_status.h"
#include "collector/bpf_link_record.h"
#include "collector/links.skel.h"

namespace correlate {
namespace {

constexpr size_t kReadBytes = 64 * 1024;

// libbpf prints what fails; here it is a Status.
class QuietLibbpf {
 public:
  QuietLibbpf() : before_(libbpf_set_print(nullptr)) {}
  ~QuietLibbpf() { libbpf_set_print(before_); }
  QuietLibbpf(const QuietLibbpf&) = delete;
  QuietLibbpf& operator=(const QuietLibbpf&) = delete;

 private:
  const libbpf_print_fn_t before_;
};

}  // namespace

void LinkIterator::Destroy::operator()(links_bpf* skeleton) const { links_bpf::destroy(skeleton); }

LinkIterator::~LinkIterator() = default;

absl::StatusOr<std::unique_ptr<LinkIterator>> LinkIterator::Load() {
  const QuietLibbpf quiet;
  std::unique_ptr<LinkIterator> iterator(new LinkIterator);
  iterator->skeleton_.reset(links_bpf::open());
  links_bpf* skeleton = iterator->skeleton_.get();
  if (skeleton == nullptr) return ErrnoStatus(errno, "the BPF iterator over links");
  if (const int error = links_bpf::load(skeleton); error != 0) {
    return ErrnoStatus(-error, "loading the BPF iterator over links");
  }
  if (const int error = links_bpf::attach(skeleton); error != 0) {
    return ErrnoStatus(-error, "attaching the BPF iterator over links");
  }
  bpf_prog_info info;
  std::memset(&info, 0, sizeof info);
  uint32_t bytes = sizeof info;
  const int fd = bpf_program__fd(skeleton->progs.list_links);
  if (bpf_prog_get_info_by_fd(fd, &info, &bytes) == 0) iterator->program_id_ = info.id;
  return iterator;
}

absl::StatusOr<std::vector<BpfLink>> LinkIterator::Read() const {
  const ScopedFd walk(bpf_iter_create(bpf_link__fd(skeleton_->links.list_links)));
  if (!walk.valid()) return ErrnoStatus(errno, "running the BPF iterator over links");
  std::vector<char> bytes;
  for (;;) {
    const size_t filled = bytes.size();
    bytes.resize(filled + kReadBytes);
    const ssize_t count = read(walk.get(), bytes.data() + filled, kReadBytes);
    bytes.resize(filled + static_cast<size_t>(count > 0 ? count : 0));
    if (count == 0) break;
    if (count < 0 && errno != EINTR && errno != EAGAIN) {
      return ErrnoStatus(errno, "reading from the BPF iterator over links");
    }
  }
  return ParseLinkRecords(bytes);
}

std::vector<BpfLink> ParseLinkRecords(absl::Span<const char> bytes) {
  std::vector<BpfLink> links;
  for (; bytes.size() >= sizeof(bpf_link_record); bytes.remove_prefix(sizeof(bpf_link_record))) {
    bpf_link_record record;
    std::memcpy(&record, bytes.data(), sizeof record);
    BpfLink link;
    link.link_id = record.link_id;
    link.type = record.type;
    link.program_id = record.program_id;
    link.program_type = record.program_type;
    link.attach_type = record.attach_type;
    link.ifindex = record.ifindex;
    link.ifname.assign(record.ifname, strnlen(record.ifname, sizeof record.ifname));
    link.netns = {.inode = record.netns_inode, .cookie = record.netns_cookie};
    link.cgroup_id = record.cgroup_id;
    link.target_program_id = record.target_program_id;
    link.target_btf_id = record.target_btf_id;
    link.netfilter_family = record.netfilter_family;
    link.netfilter_hook = record.netfilter_hook;
    link.netfilter_priority = record.netfilter_priority;
    // A tracing program proper is none that meets packets.
    if (link.type == BPF_LINK_TYPE_TRACING && link.target_program_id == 0) continue;
    links.push_back(std::move(link));
  }
  return links;
}

}  // namespace correlate
