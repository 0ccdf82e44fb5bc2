// Looks at where BPF programs are attached to the network, in every network namespace of the host:
// XDP on devices, tc filters of clsact and ingress qdiscs, tcx. Nothing stays open, see
// netns_scanner.h.
#ifndef COLLECTOR_ATTACHMENT_SCANNER_H_
#define COLLECTOR_ATTACHMENT_SCANNER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/event.h"

namespace correlate {

// Every entry's from_ns and to_ns are the time of the look into its namespace.
struct AttachmentScan {
  std::vector<Netns> namespaces;
  std::vector<Device> devices;
  std::vector<Attachment> attachments;  // on one hook of one device in the order in which they run
  std::vector<std::string> notes;       // what could not be seen and why, one plain sentence each
};

absl::StatusOr<AttachmentScan> ScanAttachments();

}  // namespace correlate

#endif  // COLLECTOR_ATTACHMENT_SCANNER_H_
