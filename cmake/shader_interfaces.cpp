// Reads compiled kernels and writes what each binds as a C++ table, so that it is stated in the shader alone.
// shader_interfaces OUTPUT NAME=FILE...; FILE holds SPIR-V words as text, as glslc -mfmt=num writes them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Words = std::vector<std::uint32_t>;

// Of the SPIR-V specification, version 1.5, sections 3.7, 3.20 and 3.37.
constexpr std::uint32_t kMagic = 0x07230203;
constexpr std::size_t kHeaderWords = 5;
enum Opcode : std::uint32_t { OpTypeImage = 25, OpTypePointer = 32, OpVariable = 59, OpDecorate = 71 };
enum Decoration : std::uint32_t { SpecId = 1, Binding = 33 };
enum StorageClass : std::uint32_t { UniformConstant = 0, Uniform = 2, StorageBuffer = 12 };
constexpr std::uint32_t kDimBuffer = 5;

/// What a kernel's code says of its bindings and specialization constants.
struct Interface {
  std::map<std::uint32_t, std::string> kinds;  ///< by binding, as enumerators of VkDescriptorType
  std::set<std::uint32_t> constants;           ///< their ids
};

Words readWords(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("Cannot read " + path);
  std::stringstream text;
  text << file.rdbuf();
  std::string numbers = text.str();
  std::ranges::replace(numbers, ',', ' ');
  std::istringstream stream(numbers);
  stream.unsetf(std::ios::basefield);  // hexadecimal by its prefix
  Words words;
  for (std::uint32_t word; stream >> word;) words.push_back(word);
  if (words.size() < kHeaderWords || words[0] != kMagic) throw std::runtime_error(path + " is no SPIR-V");
  return words;
}

std::string kindOf(std::uint32_t storage, bool isTexelBuffer) {
  if (storage == StorageBuffer) return "VK_DESCRIPTOR_TYPE_STORAGE_BUFFER";
  if (storage == Uniform) return "VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER";
  if (storage == UniformConstant && isTexelBuffer) return "VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER";
  throw std::runtime_error("a binding of a kind that kernels do not use");
}

Interface interfaceOf(const Words& words) {
  std::map<std::uint32_t, std::uint32_t> bindings;  // by variable
  std::map<std::uint32_t, std::uint32_t> pointees;  // by pointer type
  std::set<std::uint32_t> texelBuffers;             // types
  struct Variable {
    std::uint32_t id, type, storage;
  };
  std::vector<Variable> variables;
  Interface result;
  for (std::size_t at = kHeaderWords; at < words.size();) {
    const std::size_t length = words[at] >> 16;
    if (length == 0 || at + length > words.size()) throw std::runtime_error("an instruction beyond the end");
    const std::uint32_t* operands = words.data() + at + 1;
    switch (words[at] & 0xFFFFu) {
      case OpDecorate:
        if (operands[1] == Binding) bindings[operands[0]] = operands[2];
        if (operands[1] == SpecId) result.constants.insert(operands[2]);
        break;
      case OpTypeImage:
        if (operands[2] == kDimBuffer) texelBuffers.insert(operands[0]);
        break;
      case OpTypePointer:
        pointees[operands[0]] = operands[2];
        break;
      case OpVariable:
        variables.push_back({operands[1], operands[0], operands[2]});
        break;
      default:
        break;
    }
    at += length;
  }
  for (const Variable& variable : variables) {
    const auto binding = bindings.find(variable.id);
    if (binding == bindings.end()) continue;
    result.kinds[binding->second] = kindOf(variable.storage, texelBuffers.contains(pointees[variable.type]));
  }
  return result;
}

/// Two arrays and a row of the table.
void write(std::ostream& arrays, std::ostream& rows, const std::string& name, const Interface& kernel) {
  std::uint32_t next = 0;
  arrays << "constexpr VkDescriptorType kBindings_" << name << "[] = {";
  for (const auto& [binding, kind] : kernel.kinds) {
    if (binding != next) {
      throw std::runtime_error(name + " has no binding " + std::to_string(next) +
                               ", expected bindings 0 to " + std::to_string(kernel.kinds.rbegin()->first));
    }
    arrays << (next++ > 0 ? ", " : "") << kind;
  }
  arrays << "};\n";
  if (!kernel.constants.empty()) {
    arrays << "constexpr std::uint32_t kConstants_" << name << "[] = {";
    for (const std::uint32_t id : kernel.constants) arrays << id << ", ";
    arrays << "};\n";
  }
  rows << "    {\"" << name << "\", k_" << name << ", kBindings_" << name << ", "
       << (kernel.constants.empty() ? "{}" : "kConstants_" + name) << "},\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::ostringstream arrays, rows;
    for (int i = 2; i < argc; ++i) {
      const std::string argument = argv[i];
      const std::size_t split = argument.find('=');
      write(arrays, rows, argument.substr(0, split), interfaceOf(readWords(argument.substr(split + 1))));
    }
    std::ofstream(argv[1]) << arrays.str() << "constexpr KernelCode kKernelTable[] = {\n"
                           << rows.str() << "};\n";
  } catch (const std::exception& error) {
    std::cerr << "shader_interfaces: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
