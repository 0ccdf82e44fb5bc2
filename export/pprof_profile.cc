#include "export/pprof_profile.h"

#include <zlib.h>

#include <string>

#include "base/numbered.h"
#include "export/pprof.pb.h"
#include "export/profile_export.h"

namespace correlate {
namespace {

// Compresses what it is given, bit by bit (RFC 1952).
class GzipStream {
 public:
  explicit GzipStream(std::ostream& out) : out_(out) {
    constexpr int kGzip = 16;  // added to the window's size: a gzip header
    ok_ = deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzip, 8,
                       Z_DEFAULT_STRATEGY) == Z_OK;
    if (!ok_) out_.setstate(std::ios::failbit);  // no memory
  }
  ~GzipStream() { deflateEnd(&stream_); }

  void Write(const std::string& bytes) { Deflate(bytes, Z_NO_FLUSH); }
  void Finish() { Deflate("", Z_FINISH); }

 private:
  void Deflate(const std::string& bytes, int flush) {
    if (!ok_) return;
    char packed[16384];
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(packed);
      stream_.avail_out = sizeof packed;
      deflate(&stream_, flush);
      out_.write(packed, static_cast<std::streamsize>(sizeof packed - stream_.avail_out));
    } while (stream_.avail_out == 0);
  }

  std::ostream& out_;
  z_stream stream_ = {};
  bool ok_ = false;
};

class PprofProfile : public ProfileExport {
 public:
  explicit PprofProfile(std::ostream& out) : out_(out) { StringNumber(""); }

  // A message may come in pieces, one behind the other: so only one of them is in memory.
  void Finish() override {
    GzipStream gzip(out_);
    pprof::ValueType* type = pb_.add_sample_type();
    type->set_type(StringNumber("events"));
    type->set_unit(StringNumber("count"));
    AddMapping("[kernel]");
    AddMapping("[bpf]");
    const StackProfile& stacks = profile();
    const auto write = [&] {
      gzip.Write(pb_.SerializeAsString());
      pb_.Clear();
    };
    for (size_t i = 0; i < stacks.frames().size(); ++i) {
      AddLocation(stacks.frames()[i], i + 1);
      if (i % kInOnePiece == 0) write();
    }
    // A sample has to have a location.
    const uint64_t none = stacks.frames().size() + 1;
    AddLocation({.name = "[no callchain taken]"}, none);
    for (const StackProfile::Sample& sample : stacks.samples()) {
      pprof::Sample* out = pb_.add_sample();
      for (const uint32_t frame : stacks.FramesOf(sample.stack)) out->add_location_id(frame + 1);
      if (sample.stack == StackProfile::kNoStack) out->add_location_id(none);
      out->add_value(static_cast<int64_t>(sample.events));
      const StackProfile::Labels& labels = stacks.labels()[sample.labels];
      AddLabel("event", labels.event, out);
      AddLabel("reason", labels.reason, out);
      AddLabel("program", labels.program, out);
      AddLabel("device", labels.device, out);
      AddLabel("evidence", labels.evidence, out);
      if (pb_.sample_size() == kInOnePiece) write();
    }
    if (const auto time = stacks.view().clock().RealtimeNs(stacks.view().start_ns())) {
      pb_.set_time_nanos(static_cast<int64_t>(*time));
    }
    write();
    for (const std::string& text : strings_.values()) {
      pb_.add_string_table(text);
      if (pb_.string_table_size() == kInOnePiece) write();
    }
    write();
    gzip.Finish();
  }

 private:
  static constexpr int kInOnePiece = 1000;

  int64_t StringNumber(const std::string& text) { return strings_.Of(text); }

  void AddMapping(const std::string& name) {
    pprof::Mapping* mapping = pb_.add_mapping();
    mapping->set_id(++mappings_);
    mapping->set_filename(StringNumber(name));
    // So that nobody looks for symbols elsewhere.
    mapping->set_has_functions(true);
    mapping->set_has_filenames(true);
    mapping->set_has_line_numbers(true);
  }

  void AddLocation(const StackProfile::Frame& frame, uint64_t id) {
    pprof::Function* function = pb_.add_function();
    function->set_id(id);
    function->set_name(StringNumber(frame.name));
    function->set_system_name(StringNumber(frame.name));
    function->set_filename(StringNumber(frame.file));
    pprof::Location* location = pb_.add_location();
    location->set_id(id);
    const bool bpf = frame.kind == FrameKind::kBpf || frame.kind == FrameKind::kBpfTrampoline ||
                     frame.kind == FrameKind::kBpfDispatcher;
    location->set_mapping_id(bpf ? 2 : 1);
    pprof::Line* line = location->add_line();
    line->set_function_id(id);
    line->set_line(frame.line);
  }

  void AddLabel(const std::string& key, const std::string& value, pprof::Sample* sample) {
    pprof::Label* label = sample->add_label();
    label->set_key(StringNumber(key));
    label->set_str(StringNumber(value));
  }

  std::ostream& out_;
  pprof::Profile pb_;
  Numbered<std::string> strings_;
  uint64_t mappings_ = 0;
};

}  // namespace

std::unique_ptr<SummaryExport> MakePprofProfile(const ExportOptions&, std::ostream& out) {
  return std::make_unique<PprofProfile>(out);
}

}  // namespace correlate
