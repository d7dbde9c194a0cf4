# headroom_shader(name file [DEFINES a=b ...]) compiles shaders/<file> to SPIR-V with glslc and writes
# <build>/shaders/<name>.spv.inc, the words as a C++ initialiser list, for #include in a .cpp.
find_program(GLSLC glslc REQUIRED)

function(headroom_shader name file)
  cmake_parse_arguments(ARG "" "" "DEFINES" ${ARGN})
  set(defines ${ARG_DEFINES})
  list(TRANSFORM defines PREPEND "-D")
  set(output ${CMAKE_BINARY_DIR}/shaders/${name}.spv.inc)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${GLSLC} --target-env=vulkan1.2 -O -mfmt=num -I${CMAKE_SOURCE_DIR}/shaders ${defines}
            -MD -MF ${output}.d -o ${output} ${CMAKE_SOURCE_DIR}/shaders/${file}
    DEPENDS ${CMAKE_SOURCE_DIR}/shaders/${file}
    DEPFILE ${output}.d
    COMMENT "Shader ${name}" VERBATIM)
  set_property(GLOBAL APPEND PROPERTY HEADROOM_SHADER_OUTPUTS ${output})
  set_property(GLOBAL APPEND PROPERTY HEADROOM_SHADER_NAMES ${name})
endfunction()

# headroom_shader_table(file) writes <build>/shaders/<file>: C++ arrays of all shaders so far, and kKernelTable, which
# finds them by name.
function(headroom_shader_table file)
  get_property(names GLOBAL PROPERTY HEADROOM_SHADER_NAMES)
  set(arrays "")
  set(entries "")
  foreach(name ${names})
    string(APPEND arrays "constexpr std::uint32_t k_${name}[] = {\n#include \"${name}.spv.inc\"\n};\n")
    string(APPEND entries "    {\"${name}\", k_${name}},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/shaders/${file}
       CONTENT "${arrays}constexpr NamedKernel kKernelTable[] = {\n${entries}};\n" @ONLY)
endfunction()
