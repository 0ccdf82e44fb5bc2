// Sees to it that a trace holds the code of programs, once each, and what their maps are: of
// programs that events name, or of all. One thread.
#ifndef CLI_CODE_RECORDER_H_
#define CLI_CODE_RECORDER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "cli/named_programs.h"
#include "cli/recent_images.h"
#include "collector/image_reader.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class CodeRecorder : public TraceSink {
 public:
  enum class Images { kNamed, kAll, kNone };
  explicit CodeRecorder(Images images) : images_(images) {}

  void set_kernel_text(KernelText text) { kernel_text_ = std::move(text); }
  void OnEvent(const CorrelatedEvent& event) override { named_.OnEvent(event); }

  // A program of others that was looked at. `just_loaded`: it may be gone before an event names it.
  void Add(const ProgramInfo& program, bool just_loaded, TraceSink& sink);
  // All maps that are there.
  void AddMaps(TraceSink& sink);
  // The code of programs that events have named since.
  void TakeNamed(TraceSink& sink);
  std::vector<std::string> TakeNotes() { return std::exchange(notes_, {}); }

 private:
  void Take(uint32_t program_id, TraceSink& sink);

  const Images images_;
  KernelText kernel_text_;
  NamedPrograms named_;
  RecentImages recent_;  // of what was loaded during the recording, and not named yet
  absl::flat_hash_set<uint32_t> maps_told_;
  absl::flat_hash_set<uint32_t> btf_told_;
  absl::flat_hash_set<uint32_t> images_told_;
  std::vector<std::string> notes_;
};

}  // namespace correlate

#endif  // CLI_CODE_RECORDER_H_
