// The values of a BPF program's code and of maps, as the kernel gave them. See event.h.
#ifndef COLLECTOR_PROGRAM_IMAGE_H_
#define COLLECTOR_PROGRAM_IMAGE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace correlate {

// What ran: enough to show it on another machine, when the program is long gone.
struct ProgramImage {
  struct Function {
    uint32_t instruction = 0;  // the first one's place in `xlated`
    std::string prototype;     // "int drop(struct __sk_buff * skb)", as bpftool spells it
    std::string symbol;        // in kallsyms: "bpf_prog_54b8cbdd07165999_drop"
    uint64_t address = 0;      // of the JITed text; 0: unknown
    uint32_t length_bytes = 0;
  };
  struct Line {
    uint32_t instruction = 0;
    uint64_t address = 0;  // of the first JITed instruction; 0: unknown
    std::string file;
    std::string text;  // of the source, whole
    uint32_t line = 0;
    uint32_t column = 0;
  };
  // What a call goes to that the instruction alone does not tell: helpers, the kernel's functions.
  struct Call {
    uint32_t instruction = 0;
    std::string target;    // a symbol, or "0x..."
    uint64_t address = 0;  // its; 0: unknown
  };

  uint32_t program_id = 0;
  uint64_t load_time_ns = 0;
  std::string xlated;  // struct bpf_insn of all functions in a row, as the kernel rewrote them
  std::string jited;   // machine code of all functions in a row
  std::vector<Function> functions;  // main first
  std::vector<Line> lines;          // in the order of instructions
  std::vector<Call> calls;          // likewise
  uint32_t btf_id = 0;
};

// A program's types, raw (Documentation/bpf/btf.rst).
struct BtfImage {
  uint32_t id = 0;
  std::string data;
};

// enum bpf_map_type and libbpf's name of it; sizes in bytes.
struct MapInfo {
  uint32_t id = 0;
  uint32_t type = 0;
  std::string type_name;
  std::string name;
  uint32_t key_size = 0;
  uint32_t value_size = 0;
  uint32_t max_entries = 0;
  uint32_t flags = 0;
  uint32_t btf_id = 0;
  uint32_t btf_key_type_id = 0;
  uint32_t btf_value_type_id = 0;
  uint64_t memlock_bytes = 0;  // fdinfo's; 0: unknown
  bool frozen = false;
  std::vector<std::string> pins;  // paths in BPF file systems
  friend bool operator==(const MapInfo&, const MapInfo&) = default;
};

// What a map held at one moment. Values of maps that have one for each CPU are those of all, one
// after the other, each filled up to a multiple of eight bytes.
struct MapSnapshot {
  struct Entry {
    std::string key;
    std::string value;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  uint32_t map_id = 0;
  uint64_t time_ns = 0;
  std::string reason;      // "start", "end", "first drop by #100 tc_drop"
  bool truncated = false;  // there was more
  std::vector<Entry> entries;
};

}  // namespace correlate

#endif  // COLLECTOR_PROGRAM_IMAGE_H_
