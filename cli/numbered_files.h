// The files of a ring: PATH.000001, PATH.000002, ... Numbers go on where an earlier recording
// stopped, so that a service that starts again overwrites nothing; and of all of them the oldest go
// when there are too many. One thread.
#ifndef CLI_NUMBERED_FILES_H_
#define CLI_NUMBERED_FILES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/trace_writer.h"

namespace correlate {

class NumberedFiles {
 public:
  // Of the ring at `path`: the numbers that are there, ascending, and the file of one of them.
  static absl::StatusOr<std::vector<uint64_t>> NumbersAt(const std::string& path);
  static std::string NameAt(const std::string& path, uint64_t number);

  // `most` files in all, 0: any number. An error where the folder cannot be read.
  static absl::StatusOr<NumberedFiles> Open(const std::string& path, uint32_t most);

  // Creates the next file, and deletes the oldest ones that are too many. Only what has a name of
  // the ring and begins as a trace does, or is empty, is deleted.
  absl::StatusOr<std::unique_ptr<TraceWriter>> Next();
  uint32_t made() const { return made_; }               // by this object
  std::string Last() const { return NameOf(number_); }  // made() > 0
  std::string Upcoming() const { return NameOf(number_ + 1); }
  // "x.pb.000003 to x.pb.000007": what there is of those it made; "" before the first one.
  std::string Describe() const;

 private:
  NumberedFiles(std::string path, uint32_t most) : path_(std::move(path)), most_(most) {}
  std::string NameOf(uint64_t number) const { return NameAt(path_, number); }
  void DeleteOldest();

  std::string path_;
  uint32_t most_;
  uint64_t number_ = 0;  // of the last one
  uint32_t made_ = 0;
};

}  // namespace correlate

#endif  // CLI_NUMBERED_FILES_H_
