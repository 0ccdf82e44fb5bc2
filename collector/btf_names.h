// Names out of a program's BTF, by libbpf: of a loaded one, or of bytes that may come from
// anywhere.
#ifndef COLLECTOR_BTF_NAMES_H_
#define COLLECTOR_BTF_NAMES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "collector/kernel_btf.h"
#include "collector/program_decoder.h"

namespace correlate {

class LoadedBtf : public BtfNames {
 public:
  // A copy of the kernel's; the descriptor is closed again. Null: it is gone, or that is not
  // allowed.
  static std::unique_ptr<LoadedBtf> FromKernel(uint32_t btf_id);
  // Null: they are no BTF.
  static std::unique_ptr<LoadedBtf> FromBytes(absl::string_view bytes);

  std::string TypeName(uint32_t type_id) const override;
  std::string String(uint32_t offset) const override;

 private:
  explicit LoadedBtf(btf* handle) : btf_(handle) {}
  ScopedBtf btf_;
};

}  // namespace correlate

#endif  // COLLECTOR_BTF_NAMES_H_
