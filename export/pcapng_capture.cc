#include "export/pcapng_capture.h"

#include <map>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "render/text.h"
#include "render/text_by_id.h"
#include "render/wall_clock.h"
#include "render/wording.h"
#include "symbolize/netns_names.h"

namespace correlate {
namespace {

// Blocks and options, by their numbers in the draft.
constexpr uint32_t kSection = 0x0a0d0d0a;
constexpr uint32_t kByteOrder = 0x1a2b3c4d;
constexpr uint32_t kInterface = 1;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint16_t kEndOfOptions = 0;
constexpr uint16_t kComment = 1;
constexpr uint16_t kHardware = 2;
constexpr uint16_t kSystem = 3;
constexpr uint16_t kApplication = 4;
constexpr uint16_t kName = 2;
constexpr uint16_t kDescription = 3;
constexpr uint16_t kTimeResolution = 9;
// https://www.tcpdump.org/linktypes.html
constexpr uint16_t kEthernet = 1;
constexpr uint16_t kRawIp = 101;

constexpr size_t kMostOptionBytes = UINT16_MAX - 3;

// One block: its type and length before and behind it, all in this host's byte order.
class Block {
 public:
  void Begin(uint32_t type) {
    bytes_.clear();
    Put(type);
    Put(uint32_t{0});  // its length: see WriteTo
  }
  template <typename Number>
  void Put(Number number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void PutPadded(absl::string_view bytes) {
    absl::StrAppend(&bytes_, bytes);
    bytes_.append((4 - bytes.size() % 4) % 4, '\0');
  }
  void PutOption(uint16_t code, absl::string_view value) {
    value = value.substr(0, kMostOptionBytes);
    Put(code);
    Put(static_cast<uint16_t>(value.size()));
    PutPadded(value);
  }
  void PutText(uint16_t code, absl::string_view text) {
    if (!text.empty()) PutOption(code, ValidUtf8(text));
  }
  void EndOptions() { PutOption(kEndOfOptions, ""); }
  void WriteTo(std::ostream& out) {
    const auto length = static_cast<uint32_t>(bytes_.size() + sizeof(uint32_t));
    Put(length);
    bytes_.replace(sizeof(uint32_t), sizeof length, reinterpret_cast<const char*>(&length),
                   sizeof length);
    out.write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  }

 private:
  std::string bytes_;
};

class PcapngCapture : public SummaryExport {
 public:
  explicit PcapngCapture(std::ostream& out) : out_(out) {}

  void OnRecording(const RecordingFacts& facts) override {
    host_ = facts.hostname;
    if (facts.boot_id != boot_id_) netns_names_ = NetnsNames();  // another host's
    boot_id_ = facts.boot_id;
    kept_ = kept_ || facts.snaplen > 0;
    BeginSection(&facts);
  }
  void OnClocks(const ClockReading& clocks) override { clock_.Add(clocks); }
  void OnNetns(const Netns& netns) override { netns_names_.Add(netns); }
  bool WantsMore() const override { return out_.good(); }

  void OnEvent(const CorrelatedEvent& event) override {
    const CapturedPacket& captured = event.captured;
    if (captured.link == CapturedPacket::Link::kNone) {
      ++without_packet_;
      return;
    }
    BeginSection(nullptr);
    const uint32_t interface = InterfaceOf(event);
    const uint64_t time_ns = clock_.RealtimeNs(event.time_ns).value_or(event.time_ns);
    block_.Begin(kEnhancedPacket);
    block_.Put(interface);
    block_.Put(static_cast<uint32_t>(time_ns >> 32));
    block_.Put(static_cast<uint32_t>(time_ns));
    block_.Put(static_cast<uint32_t>(captured.bytes.size()));
    block_.Put(captured.wire_bytes);
    block_.PutPadded({reinterpret_cast<const char*>(captured.bytes.data()), captured.bytes.size()});
    block_.PutText(kComment, Circumstances(event));
    if (event.attribution != nullptr) {
      block_.PutText(kComment, attributions_.Get(event.attribution->id, [&] {
        return DescribeAttribution(*event.attribution);
      }));
    }
    block_.EndOptions();
    block_.WriteTo(out_);
  }

  void Finish() override { BeginSection(nullptr); }

  std::string Remark() const override {
    if (without_packet_ == 0) return "";
    return absl::StrCat(without_packet_, " events are not in it, which kept no packet",
                        kept_ ? "" : ": record with --snaplen BYTES");
  }

 private:
  // Once; what is known of the host then.
  void BeginSection(const RecordingFacts* facts) {
    if (begun_) return;
    begun_ = true;
    block_.Begin(kSection);
    block_.Put(kByteOrder);
    block_.Put(uint16_t{1});  // version 1.0
    block_.Put(uint16_t{0});
    block_.Put(UINT64_MAX);  // its length: unknown
    if (facts != nullptr) {
      block_.PutText(kHardware, facts->machine);
      block_.PutText(kSystem, absl::StrCat("Linux ", facts->kernel_release));
      block_.PutText(kApplication, absl::StrCat("bpftrace-correlate ", facts->tool_version));
    }
    block_.EndOptions();
    block_.WriteTo(out_);
  }

  uint32_t InterfaceOf(const CorrelatedEvent& event) {
    static const auto& nowhere = *new Packet();
    const Packet& packet = event.packet != nullptr ? *event.packet : nowhere;
    const bool ethernet = event.captured.link == CapturedPacket::Link::kEthernet;
    const auto [known, is_new] = interfaces_.try_emplace(
        Interface(host_, packet.netns, packet.ifindex, packet.ifname, ethernet),
        static_cast<uint32_t>(interfaces_.size()));
    if (!is_new) return known->second;
    block_.Begin(kInterface);
    block_.Put(ethernet ? kEthernet : kRawIp);
    block_.Put(uint16_t{0});
    block_.Put(uint32_t{0});  // as long as packets are
    block_.PutText(kName, packet.ifname);
    std::string description = absl::StrCat(
        packet.ifname.empty() ? "packets at no device on " : "on ", host_.empty() ? "?" : host_);
    if (packet.has_netns) {
      const absl::string_view name = netns_names_.Find(packet.netns);
      absl::StrAppend(&description, ", netns ",
                      name.empty() ? absl::StrCat(packet.netns.inode) : Printable(name));
    }
    block_.PutText(kDescription, description);
    block_.PutOption(kTimeResolution, "\x09");  // nanoseconds
    block_.EndOptions();
    block_.WriteTo(out_);
    return known->second;
  }

  // Without addresses of the kernel.
  static std::string Circumstances(const CorrelatedEvent& event) {
    std::string text = event.format->FullName();
    if (const FormatField* reason = ReasonField(*event.format); reason != nullptr) {
      absl::StrAppend(&text, " ", FieldText(event, reason->name).value_or("?"));
    }
    if (const Frame* location = LocationOf(event); location != nullptr) {
      absl::StrAppend(&text, " in ");
      AppendFrameName(*location, &text);
    }
    absl::StrAppend(&text, ", CPU ", event.cpu);
    if (event.context == Context::kTask && !event.comm.empty()) {
      absl::StrAppend(&text, ", ", Printable(event.comm), "/", event.tid);
    } else if (event.context != Context::kUnknown) {
      absl::StrAppend(&text, ", ", ContextName(event.context));
    }
    return text;
  }

  using Interface = std::tuple<std::string, NetnsId, uint32_t, std::string, bool>;

  std::ostream& out_;
  Block block_;
  std::string host_;
  std::string boot_id_;
  WallClock clock_;
  NetnsNames netns_names_;
  std::map<Interface, uint32_t> interfaces_;
  TextById attributions_;
  bool begun_ = false;
  bool kept_ = false;
  uint64_t without_packet_ = 0;
};

}  // namespace

std::unique_ptr<SummaryExport> MakePcapngCapture(const ExportOptions&, std::ostream& out) {
  return std::make_unique<PcapngCapture>(out);
}

}  // namespace correlate
