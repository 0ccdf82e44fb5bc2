// A program's code, taken apart: its functions with translated and JITed instructions, the source
// line of each, and how many events stand at an address. Pure but for the disassembler. Images may
// come from a foreign trace: whatever does not fit is left out.
#ifndef DISASSEMBLY_PROGRAM_LISTING_H_
#define DISASSEMBLY_PROGRAM_LISTING_H_

#include <linux/bpf.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collector/program_image.h"
#include "disassembly/machine_code.h"

namespace correlate {

struct ProgramListing {
  // Each line of the source is named before the first instruction that it made.
  struct Source {
    const ProgramImage::Line* line = nullptr;  // of the image; null: as before
  };
  struct Translated : Source {
    uint32_t place = 0;  // in the whole program
    bpf_insn instruction = {};
    bpf_insn next = {};  // its other half, where it is wide
    bool wide = false;
    std::string text;
  };
  struct Native : Source {
    uint64_t offset = 0;  // in its function
    std::string bytes;
    std::string text;
    uint64_t events = 0;
  };
  struct Function {
    std::string prototype;
    std::string symbol;
    uint64_t address = 0;  // 0: unknown
    std::vector<Translated> translated;
    std::vector<Native> native;
  };
  std::vector<Function> functions;
  uint64_t events = 0;  // that stand at one of the native instructions
};

// How many events have this program's frame at an address.
using EventsByAddress = std::map<uint64_t, uint64_t>;

// `machine` null: without native instructions. The listing borrows from the image.
ProgramListing MakeListing(const ProgramImage& image, const MachineCode* machine,
                           const EventsByAddress& events);

struct ListingOptions {
  bool opcodes = false;
  bool line_numbers = false;
};
// As `bpftool prog dump xlated` and `... jited` print them; events are marked behind instructions.
std::string TranslatedText(const ProgramListing& listing, const ListingOptions& options);
std::string NativeText(const ProgramListing& listing, const ListingOptions& options);
// Line of source by line of source, translated and native together.
std::string JoinedText(const ProgramListing& listing, const ListingOptions& options);
// The control flow of the translated instructions, for graphviz.
std::string FlowGraph(const ProgramListing& listing, const std::string& name);

}  // namespace correlate

#endif  // DISASSEMBLY_PROGRAM_LISTING_H_
