// Where BPF programs are pinned: the files of every BPF file system that is mounted where the
// caller is. Each is opened for a moment. Needs CAP_BPF or CAP_SYS_ADMIN, and permission on the
// files. Thread-safe.
#ifndef COLLECTOR_PIN_SCANNER_H_
#define COLLECTOR_PIN_SCANNER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace correlate {

// Paths by program id, sorted. What may not be opened is left out; at most 10,000 files are looked
// at.
std::map<uint32_t, std::vector<std::string>> ScanPins();

}  // namespace correlate

#endif  // COLLECTOR_PIN_SCANNER_H_
