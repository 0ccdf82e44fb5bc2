// Where `record` puts what it records: one file, a ring of files, or memory until something
// triggers. One thread.
#ifndef CLI_TRACE_OUTPUT_H_
#define CLI_TRACE_OUTPUT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "proto/trace_writer.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class TraceOutput {
 public:
  virtual ~TraceOutput() = default;
  virtual TraceSink& sink() = 0;
  // To be called every 100 ms or so. Times are of CLOCK_MONOTONIC.
  virtual void Tick(uint64_t now_ns) = 0;
  // Wants Cut(), right after counts as of now were told to the sink.
  virtual bool WantsCut(uint64_t now_ns) const = 0;
  // `so_far`: its cpu_time_ns and out_of_order are running totals, the rest is not looked at. True
  // where what comes next is not in the same file as what came before.
  virtual bool Cut(uint64_t now_ns, const RecordingEnd& so_far) = 0;
  // Signals that mean something to it, and that one of them came.
  virtual std::vector<int> signals() const { return {}; }
  virtual void OnSignal(int) {}
  // For the user, as they come; each once.
  virtual std::vector<std::string> TakeNotes() { return {}; }
  virtual absl::Status Close() = 0;
  virtual absl::Status status() const = 0;
  virtual uint64_t bytes_written() const = 0;
  virtual std::string Describe() const = 0;  // where it went, for the last line
};

class SingleFile : public TraceOutput {
 public:
  SingleFile(std::unique_ptr<TraceWriter> writer, std::string name)
      : writer_(std::move(writer)), name_(std::move(name)) {}
  TraceSink& sink() override { return *writer_; }
  void Tick(uint64_t now_ns) override { writer_->Tick(now_ns); }
  bool WantsCut(uint64_t) const override { return false; }
  bool Cut(uint64_t, const RecordingEnd&) override { return false; }
  absl::Status Close() override { return writer_->Close(); }
  absl::Status status() const override { return writer_->status(); }
  uint64_t bytes_written() const override { return writer_->bytes_written(); }
  std::string Describe() const override { return name_; }

 private:
  const std::unique_ptr<TraceWriter> writer_;
  const std::string name_;
};

}  // namespace correlate

#endif  // CLI_TRACE_OUTPUT_H_
