// Reads compiled kernels and writes C++ from them, so that what a kernel binds is stated in the shader alone:
// shader_interfaces FOLDER NAME:INTERFACE=FILE...; FILE holds SPIR-V words as text, as glslc -g -mfmt=num
// writes them, or by themselves (.spv). FOLDER/kernel_table.inc gets every kernel's words without names, its
// bindings and its specialization constants, FOLDER/kernel_interfaces.h a struct for each INTERFACE with what
// has to be given. Kernels of one interface bind the same names in the same order, or it is an error.
// shader_interfaces --keep FILE OUT writes the words of FILE without its source text to OUT.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <cstring>
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
enum Opcode : std::uint32_t {
  OpSourceContinued = 2,
  OpSource = 3,
  OpSourceExtension = 4,
  OpName = 5,
  OpMemberName = 6,
  OpString = 7,
  OpLine = 8,
  OpTypeFloat = 22,
  OpTypeImage = 25,
  OpTypePointer = 32,
  OpSpecConstant = 50,
  OpVariable = 59,
  OpDecorate = 71,
  OpNoLine = 317,
  OpModuleProcessed = 330
};
enum Decoration : std::uint32_t { SpecId = 1, BindingPoint = 33 };
enum StorageClass : std::uint32_t { UniformConstant = 0, Uniform = 2, StorageBuffer = 12 };
constexpr std::uint32_t kDimBuffer = 5;
// Counters of an audit, bound behind a kernel's own bindings.
const std::string kAudit = "audit";

struct Binding {
  std::string name;
  std::string kind;  ///< an enumerator of VkDescriptorType
};
struct Constant {
  std::string name;  ///< empty for the workgroup's size
  bool isFloat = false;
};

/// What a kernel's code says of itself.
struct Kernel {
  std::map<std::uint32_t, Binding> bindings;    ///< by number
  std::map<std::uint32_t, Constant> constants;  ///< by id
  Words words;                                  ///< without names
};

Words readWords(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("Cannot read " + path);
  std::stringstream text;
  text << file.rdbuf();
  std::string numbers = text.str();
  Words words;
  if (path.ends_with(".spv")) {
    words.resize(numbers.size() / sizeof(std::uint32_t));
    std::memcpy(words.data(), numbers.data(), words.size() * sizeof(std::uint32_t));
  } else {
    std::ranges::replace(numbers, ',', ' ');
    std::istringstream stream(numbers);
    stream.unsetf(std::ios::basefield);  // hexadecimal by its prefix
    for (std::uint32_t word; stream >> word;) words.push_back(word);
  }
  if (words.size() < kHeaderWords || words[0] != kMagic) throw std::runtime_error(path + " is no SPIR-V");
  return words;
}

std::string kindOf(std::uint32_t storage, bool isTexelBuffer) {
  if (storage == StorageBuffer) return "VK_DESCRIPTOR_TYPE_STORAGE_BUFFER";
  if (storage == Uniform) return "VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER";
  if (storage == UniformConstant && isTexelBuffer) return "VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER";
  throw std::runtime_error("a binding of a kind that kernels do not use");
}

/// "queryHeads" for "QUERY_HEADS".
std::string fieldName(const std::string& macro) {
  std::string name;
  bool begins = false;
  for (const char letter : macro) {
    if (letter == '_') {
      begins = true;
      continue;
    }
    name += static_cast<char>(begins ? letter : std::tolower(letter));
    begins = false;
  }
  return name;
}

/// "capturedExtent" for a block named "CapturedExtent".
std::string blockName(std::string name) {
  if (!name.empty()) name[0] = static_cast<char>(std::tolower(name[0]));
  return name;
}

std::string textOf(const std::uint32_t* words, std::size_t count) {
  std::string text;
  for (std::size_t at = 0; at < 4 * count; ++at) {
    const char letter = static_cast<char>(words[at / 4] >> (8 * (at % 4)) & 0xFFu);
    if (letter == 0) break;
    text += letter;
  }
  return text;
}

bool isSource(std::uint32_t opcode) {
  switch (opcode) {
    case OpSourceContinued:
    case OpSource:
    case OpSourceExtension:
    case OpString:
    case OpLine:
    case OpNoLine:
    case OpModuleProcessed:
      return true;
    default:
      return false;
  }
}
bool isName(std::uint32_t opcode) {
  return opcode == OpName || opcode == OpMemberName || isSource(opcode);
}

/// Words of the instruction at `at`.
std::size_t lengthAt(const Words& words, std::size_t at) {
  const std::size_t length = words[at] >> 16;
  if (length == 0 || at + length > words.size()) throw std::runtime_error("an instruction beyond the end");
  return length;
}

void keep(const std::string& from, const std::string& to) {
  const Words words = readWords(from);
  std::ofstream out(to, std::ios::binary);
  const auto write = [&](std::size_t at, std::size_t count) {
    out.write(reinterpret_cast<const char*>(words.data() + at),
              static_cast<std::streamsize>(count * sizeof(std::uint32_t)));
  };
  write(0, kHeaderWords);
  for (std::size_t at = kHeaderWords; at < words.size(); at += lengthAt(words, at)) {
    if (!isSource(words[at] & 0xFFFFu)) write(at, lengthAt(words, at));
  }
  if (!out.flush()) throw std::runtime_error("Cannot write " + to);
}

Kernel readKernel(const Words& words) {
  struct Variable {
    std::uint32_t id, type, storage;
  };
  std::map<std::uint32_t, std::string> names;                    // by id
  std::map<std::uint32_t, std::uint32_t> bindings, constantIds;  // by variable, by constant
  std::map<std::uint32_t, std::uint32_t> pointees, typeOf;       // by pointer type, by constant
  std::set<std::uint32_t> texelBuffers, floats;                  // types
  std::vector<Variable> variables;
  Kernel kernel;
  kernel.words.assign(words.begin(), words.begin() + kHeaderWords);
  for (std::size_t at = kHeaderWords; at < words.size();) {
    const std::size_t length = lengthAt(words, at);
    const std::uint32_t* operands = words.data() + at + 1;
    const std::uint32_t opcode = words[at] & 0xFFFFu;
    switch (opcode) {
      case OpName:
        names.emplace(operands[0], textOf(operands + 1, length - 2));  // what is declared first
        break;
      case OpDecorate:
        if (operands[1] == BindingPoint) bindings[operands[0]] = operands[2];
        if (operands[1] == SpecId) constantIds[operands[0]] = operands[2];
        break;
      case OpTypeFloat:
        floats.insert(operands[0]);
        break;
      case OpTypeImage:
        if (operands[2] == kDimBuffer) texelBuffers.insert(operands[0]);
        break;
      case OpTypePointer:
        pointees[operands[0]] = operands[2];
        break;
      case OpSpecConstant:
        typeOf[operands[1]] = operands[0];
        break;
      case OpVariable:
        variables.push_back({operands[1], operands[0], operands[2]});
        break;
      default:
        break;
    }
    if (!isName(opcode)) kernel.words.insert(kernel.words.end(), operands - 1, operands - 1 + length);
    at += length;
  }
  for (const Variable& variable : variables) {
    const auto binding = bindings.find(variable.id);
    if (binding == bindings.end()) continue;
    const std::uint32_t type = pointees[variable.type];
    const std::string name =
        variable.storage == UniformConstant ? names[variable.id] : blockName(names[type]);
    kernel.bindings[binding->second] = {name, kindOf(variable.storage, texelBuffers.contains(type))};
  }
  for (const auto& [constant, id] : constantIds)
    kernel.constants[id] = {fieldName(names[constant]), floats.contains(typeOf[constant])};
  return kernel;
}

/// What the kernels of one name expect to be given.
struct Interface {
  std::vector<std::string> bindings;            ///< in order
  std::map<std::uint32_t, Constant> constants;  ///< by id; a kernel may do without some
  std::string first;                            ///< the kernel that they were read from first
};

void join(Interface& interface, const std::string& name, const Kernel& kernel) {
  std::vector<std::string> bindings;
  for (const auto& [number, binding] : kernel.bindings) {
    if (number != bindings.size()) {
      throw std::runtime_error(name + " has no binding " + std::to_string(bindings.size()) +
                               ", expected bindings 0 to " + std::to_string(kernel.bindings.rbegin()->first));
    }
    if (binding.name.empty()) throw std::runtime_error(name + " has a binding without a name");
    bindings.push_back(binding.name);
  }
  if (!bindings.empty() && bindings.back() == kAudit) bindings.pop_back();
  if (interface.first.empty()) {
    interface.first = name;
    interface.bindings = bindings;
  }
  if (interface.bindings != bindings)
    throw std::runtime_error(name + " and " + interface.first + " of one interface bind otherwise");
  for (const auto& [id, constant] : kernel.constants) {
    if (constant.name.empty()) continue;
    const auto& [known, isNew] = interface.constants.emplace(id, constant);
    if (!isNew && (known->second.name != constant.name || known->second.isFloat != constant.isFloat)) {
      throw std::runtime_error(name + " calls constant " + std::to_string(id) + " " + constant.name + ", " +
                               interface.first + " " + known->second.name);
    }
  }
}

void writeKernel(std::ostream& arrays, std::ostream& rows, const std::string& name, const Kernel& kernel) {
  arrays << "constexpr std::uint32_t k_" << name << "[] = {";
  for (const std::uint32_t word : kernel.words) arrays << word << "u,";
  arrays << "};\nconstexpr VkDescriptorType kBindings_" << name << "[] = {";
  for (const auto& [number, binding] : kernel.bindings) arrays << binding.kind << ", ";
  arrays << "};\n";
  if (!kernel.constants.empty()) {
    arrays << "constexpr std::uint32_t kConstants_" << name << "[] = {";
    for (const auto& [id, constant] : kernel.constants) arrays << id << ", ";
    arrays << "};\n";
  }
  rows << "    {\"" << name << "\", k_" << name << ", kBindings_" << name << ", "
       << (kernel.constants.empty() ? "{}" : "kConstants_" + name) << "},\n";
}

void writeInterface(std::ostream& out, const std::string& name, const Interface& interface) {
  out << "/// " << interface.first << " and those like it.\nstruct " << name << " {\n  struct Bindings {\n";
  for (const std::string& binding : interface.bindings) out << "    Bound " << binding << ";\n";
  out << "    std::vector<vulkan::Binding> inOrder() const { return {";
  for (const std::string& binding : interface.bindings) out << binding << ", ";
  out << "}; }\n  };\n  struct Constants {\n";
  for (const auto& [id, constant] : interface.constants)
    out << "    Given<" << (constant.isFloat ? "float" : "std::uint32_t") << "> " << constant.name << ";\n";
  out << "    std::vector<std::pair<std::uint32_t, std::uint32_t>> byId() const { return {";
  for (const auto& [id, constant] : interface.constants)
    out << "{" << id << ", " << constant.name << ".bits()}, ";
  out << "}; }\n  };\n};\n\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 4 && std::string(argv[1]) == "--keep") {
      keep(argv[2], argv[3]);
      return EXIT_SUCCESS;
    }
    std::map<std::string, Interface> interfaces;
    std::ostringstream arrays, rows, structs;
    for (int i = 2; i < argc; ++i) {
      const std::string argument = argv[i];
      const std::size_t colon = argument.find(':'), equals = argument.find('=');
      const std::string name = argument.substr(0, colon);
      const Kernel kernel = readKernel(readWords(argument.substr(equals + 1)));
      join(interfaces[argument.substr(colon + 1, equals - colon - 1)], name, kernel);
      writeKernel(arrays, rows, name, kernel);
    }
    for (const auto& [name, interface] : interfaces) writeInterface(structs, name, interface);
    const std::string folder = std::string(argv[1]) + '/';
    std::ofstream(folder + "kernel_table.inc") << arrays.str() << "constexpr KernelCode kKernelTable[] = {\n"
                                               << rows.str() << "};\n";
    std::ofstream(folder + "kernel_interfaces.h")
        << "#pragma once\n\n#include \"core/engine/kernel_parts.h\"\n\nnamespace headroom::engine {\n\n"
        << structs.str() << "}  // namespace headroom::engine\n";
  } catch (const std::exception& error) {
    std::cerr << "shader_interfaces: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
