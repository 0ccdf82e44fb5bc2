#include "tests/fuzz/message_mutator.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace correlate {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kMoreBytes = 64;

class Mutation {
 public:
  explicit Mutation(unsigned int seed) : random_(seed) {}

  // From the top down each kind of table is as likely as another, however few of them there are;
  // else each message is.
  void Apply(Message* message) {
    if (Below(2) == 0) return Change(message);
    std::vector<Message*> all;
    Collect(message, &all);
    Change(all[Below(all.size())]);
  }

 private:
  size_t Below(size_t end) { return random_() % end; }

  static void Collect(Message* message, std::vector<Message*>* all) {
    all->push_back(message);
    const Reflection& reflection = *message->GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(*message, &fields);
    for (const FieldDescriptor* field : fields) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      if (!field->is_repeated()) {
        Collect(reflection.MutableMessage(message, field), all);
        continue;
      }
      for (int i = 0; i < reflection.FieldSize(*message, field); ++i) {
        Collect(reflection.MutableRepeatedMessage(message, field, i), all);
      }
    }
  }

  void Change(Message* message) {
    const auto& descriptor = *message->GetDescriptor();
    if (descriptor.field_count() == 0) return;
    const FieldDescriptor* field =
        descriptor.field(static_cast<int>(Below(static_cast<size_t>(descriptor.field_count()))));
    const Reflection& reflection = *message->GetReflection();
    if (field->is_repeated()) {
      ChangeElements(message, reflection, field);
    } else if (Below(8) == 0) {
      reflection.ClearField(message, field);
    } else {
      ChangeValue(message, reflection, field);
    }
  }

  void ChangeElements(Message* message, const Reflection& reflection,
                      const FieldDescriptor* field) {
    const int size = reflection.FieldSize(*message, field);
    const auto any = [&] { return static_cast<int>(Below(static_cast<size_t>(size))); };
    switch (size == 0 ? 0 : Below(5)) {
      case 0:
        AddElement(message, reflection, field);
        return;
      case 1:
        reflection.SwapElements(message, field, any(), size - 1);
        reflection.RemoveLast(message, field);
        return;
      case 2:
        reflection.SwapElements(message, field, any(), any());
        return;
      default:
        ChangeElement(message, reflection, field, any());
    }
  }

  // One from the same place, or an empty one.
  void AddElement(Message* message, const Reflection& reflection, const FieldDescriptor* field) {
    const int size = reflection.FieldSize(*message, field);
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        Message* added = reflection.AddMessage(message, field);
        if (size > 0) {
          added->CopyFrom(reflection.GetRepeatedMessage(
              *message, field, static_cast<int>(Below(static_cast<size_t>(size)))));
        }
        return;
      }
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.AddString(message, field, Text(field, ""));
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection.AddInt32(message, field, static_cast<int32_t>(Number(0)));
      case FieldDescriptor::CPPTYPE_UINT32:
        return reflection.AddUInt32(message, field, static_cast<uint32_t>(Number(0)));
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection.AddInt64(message, field, static_cast<int64_t>(Number(0)));
      case FieldDescriptor::CPPTYPE_UINT64:
        return reflection.AddUInt64(message, field, Number(0));
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection.AddEnumValue(message, field, static_cast<int>(Below(8)));
      case FieldDescriptor::CPPTYPE_BOOL:
        return reflection.AddBool(message, field, Below(2) == 0);
      default:
        return;
    }
  }

  void ChangeElement(Message* message, const Reflection& reflection, const FieldDescriptor* field,
                     int i) {
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Change(reflection.MutableRepeatedMessage(message, field, i));
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.SetRepeatedString(
            message, field, i, Text(field, reflection.GetRepeatedString(*message, field, i)));
      case FieldDescriptor::CPPTYPE_INT32: {
        const auto old = static_cast<uint64_t>(reflection.GetRepeatedInt32(*message, field, i));
        return reflection.SetRepeatedInt32(message, field, i, static_cast<int32_t>(Number(old)));
      }
      case FieldDescriptor::CPPTYPE_UINT32: {
        const uint64_t old = reflection.GetRepeatedUInt32(*message, field, i);
        return reflection.SetRepeatedUInt32(message, field, i, static_cast<uint32_t>(Number(old)));
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        const auto old = static_cast<uint64_t>(reflection.GetRepeatedInt64(*message, field, i));
        return reflection.SetRepeatedInt64(message, field, i, static_cast<int64_t>(Number(old)));
      }
      case FieldDescriptor::CPPTYPE_UINT64: {
        const uint64_t old = reflection.GetRepeatedUInt64(*message, field, i);
        return reflection.SetRepeatedUInt64(message, field, i, Number(old));
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection.SetRepeatedEnumValue(message, field, i, static_cast<int>(Below(8)));
      case FieldDescriptor::CPPTYPE_BOOL:
        return reflection.SetRepeatedBool(message, field, i, Below(2) == 0);
      default:
        return;
    }
  }

  void ChangeValue(Message* message, const Reflection& reflection, const FieldDescriptor* field) {
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Change(reflection.MutableMessage(message, field));
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.SetString(message, field,
                                    Text(field, reflection.GetString(*message, field)));
      case FieldDescriptor::CPPTYPE_INT32: {
        const auto old = static_cast<uint64_t>(reflection.GetInt32(*message, field));
        return reflection.SetInt32(message, field, static_cast<int32_t>(Number(old)));
      }
      case FieldDescriptor::CPPTYPE_UINT32: {
        const uint64_t old = reflection.GetUInt32(*message, field);
        return reflection.SetUInt32(message, field, static_cast<uint32_t>(Number(old)));
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        const auto old = static_cast<uint64_t>(reflection.GetInt64(*message, field));
        return reflection.SetInt64(message, field, static_cast<int64_t>(Number(old)));
      }
      case FieldDescriptor::CPPTYPE_UINT64: {
        const uint64_t old = reflection.GetUInt64(*message, field);
        return reflection.SetUInt64(message, field, Number(old));
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection.SetEnumValue(message, field, static_cast<int>(Below(8)));
      case FieldDescriptor::CPPTYPE_BOOL:
        return reflection.SetBool(message, field, Below(2) == 0);
      default:
        return;
    }
  }

  uint64_t Number(uint64_t old) {
    switch (Below(4)) {
      case 0:
        return old + Below(9) - 4;
      case 1:
        return old ^ uint64_t { 1 } << Below(64);
      case 2:
        return (uint64_t{1} << Below(64)) - Below(2);
      default:
        return Below(64);
    }
  }

  std::string Text(const FieldDescriptor* field, std::string text) {
    const size_t size = text.size();
    text.resize(size + kMoreBytes);
    text.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(text.data()), size, size + kMoreBytes));
    // Text that is no UTF-8 is refused with the message around it.
    if (field->type() == FieldDescriptor::TYPE_STRING) {
      for (char& c : text) c = static_cast<char>(c & 0x7f);
    }
    return text;
  }

  std::minstd_rand random_;
};

}  // namespace

void MutateMessage(google::protobuf::Message* message, unsigned int seed) {
  Mutation(seed).Apply(message);
}

}  // namespace correlate
