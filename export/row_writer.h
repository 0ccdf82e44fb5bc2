// What the tables of rows.proto share: whose they are, and how a row is written. Internal to this
// folder. One thread.
#ifndef EXPORT_ROW_WRITER_H_
#define EXPORT_ROW_WRITER_H_

#include <google/protobuf/util/delimited_message_util.h>

#include <cstdint>
#include <ostream>
#include <string>

#include "query/event_view.h"
#include "render/text.h"

namespace correlate {

class RowWriter : public EventView {
 public:
  explicit RowWriter(std::ostream& out) : out_(out) {}
  void OnRecording(const RecordingFacts& facts) override {
    EventView::OnRecording(facts);
    host_ = ValidUtf8(facts.hostname);
    boot_id_ = ValidUtf8(facts.boot_id);
  }
  bool WantsMore() const override { return out_.good(); }

  template <typename Row>
  void Write(const Row& row) {
    google::protobuf::util::SerializeDelimitedToOstream(row, &out_);
  }
  template <typename Row>
  void SetHost(Row* row) const {
    row->set_host(host_);
    row->set_boot_id(boot_id_);
  }
  // Nanoseconds since 1970; 0: unknown.
  int64_t Realtime(uint64_t monotonic_ns) const {
    if (monotonic_ns == 0 || monotonic_ns == kForever) return 0;
    return static_cast<int64_t>(clock().RealtimeNs(monotonic_ns).value_or(0));
  }
  std::string NetnsName(const NetnsId& netns) const { return ValidUtf8(netns_names().Find(netns)); }

 private:
  std::ostream& out_;
  std::string host_;
  std::string boot_id_;
};

}  // namespace correlate

#endif  // EXPORT_ROW_WRITER_H_
