#include "collector/btf_names.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

namespace correlate {

std::unique_ptr<LoadedBtf> LoadedBtf::FromKernel(uint32_t btf_id) {
  btf* handle = btf__load_from_kernel_by_id(btf_id);
  return handle == nullptr ? nullptr : std::unique_ptr<LoadedBtf>(new LoadedBtf(handle));
}

std::unique_ptr<LoadedBtf> LoadedBtf::FromBytes(absl::string_view bytes) {
  btf* handle = btf__new(bytes.data(), static_cast<uint32_t>(bytes.size()));
  if (libbpf_get_error(handle) != 0) return nullptr;
  return std::unique_ptr<LoadedBtf>(new LoadedBtf(handle));
}

std::string LoadedBtf::TypeName(uint32_t type_id) const {
  const btf_type* type = btf__type_by_id(btf_.get(), type_id);
  return type != nullptr ? String(type->name_off) : "";
}

std::string LoadedBtf::String(uint32_t offset) const {
  const char* text = btf__str_by_offset(btf_.get(), offset);
  return text != nullptr ? text : "";
}

}  // namespace correlate
