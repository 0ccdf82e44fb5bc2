// Where programs were attached, as far as looks at the host told. One thread.
#ifndef SYMBOLIZE_ATTACHMENT_TABLE_H_
#define SYMBOLIZE_ATTACHMENT_TABLE_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "collector/event.h"

namespace correlate {

// Everything but the interval of time is the same.
bool SamePlace(const Attachment& a, const Attachment& b);

class AttachmentTable {
 public:
  // One seen before is held to have lasted from its first look to this one.
  const Attachment& Add(const Attachment& attachment);
  // Those of one program on one hook and device; the namespace is the caller's to judge.
  std::vector<Attachment> Find(absl::string_view hook, uint32_t ifindex, uint32_t program_id) const;
  size_t size() const { return attachments_.size(); }
  // Changes whenever Find might answer otherwise.
  uint64_t generation() const { return generation_; }

 private:
  std::vector<Attachment> attachments_;
  uint64_t generation_ = 0;
};

}  // namespace correlate

#endif  // SYMBOLIZE_ATTACHMENT_TABLE_H_
