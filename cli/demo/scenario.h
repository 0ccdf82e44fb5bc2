// What the demo shows: two namespaces, blue and red, joined by veth, with one BPF program for each
// way in which a program can be the end of a packet:
//
//   blue 10.77.0.1                                  red 10.77.0.2
//   veth-blue, tc egress: tc_mirror --------------> veth-red, XDP: xdp_abort, tc ingress: tc_drop
//   mirror (down)
//
// The namespaces carry their names where CoverNetnsNames (private_netns_names.h), which comes
// before, put them. Everything goes with this object, and with the process. One thread.
#ifndef CLI_DEMO_SCENARIO_H_
#define CLI_DEMO_SCENARIO_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace correlate {

// A program of the demo and what becomes of packets for its port.
struct DemoAct {
  std::string program;
  uint32_t program_id = 0;
  std::string where;  // "tc ingress of veth-red in red"
  std::string does;   // "drops UDP to port 7001"
};

class DemoScenario {
 public:
  static absl::StatusOr<std::unique_ptr<DemoScenario>> Build();
  ~DemoScenario();

  // One packet of each kind: one dropped by verdict, one aborted, one whose clone is freed, one
  // that arrives.
  absl::Status SendRound();
  // Of the packets that nobody drops, how many arrived so far.
  uint64_t arrived() const;
  const std::vector<DemoAct>& acts() const;

 private:
  class Impl;
  explicit DemoScenario(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace correlate

#endif  // CLI_DEMO_SCENARIO_H_
