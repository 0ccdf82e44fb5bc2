// Dropped packets as Wireshark and tshark read them (draft-ietf-opsawg-pcapng): an interface for
// each device and namespace, and with each packet two comments, what dropped it and who is to
// blame. Of recordings that kept packets' bytes (record --snaplen).
#ifndef EXPORT_PCAPNG_CAPTURE_H_
#define EXPORT_PCAPNG_CAPTURE_H_

#include <memory>
#include <ostream>

#include "export/export_format.h"

namespace correlate {

std::unique_ptr<SummaryExport> MakePcapngCapture(const ExportOptions& options, std::ostream& out);

}  // namespace correlate

#endif  // EXPORT_PCAPNG_CAPTURE_H_
