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

# headroom_shader_table() writes to <build>/shaders, for all shaders so far: kernel_words.spv.inc, their words as C++
# arrays, and kernel_table.spv.inc, which finds them by name with the bindings and specialization constants that the
# compiled code has.
add_executable(headroom_shader_interfaces ${CMAKE_CURRENT_LIST_DIR}/shader_interfaces.cpp)
target_compile_options(headroom_shader_interfaces PRIVATE -Wall -Wextra -Wpedantic -Wshadow)

function(headroom_shader_table)
  get_property(names GLOBAL PROPERTY HEADROOM_SHADER_NAMES)
  set(folder ${CMAKE_BINARY_DIR}/shaders)
  set(arrays "")
  set(kernels "")
  set(files "")
  foreach(name ${names})
    string(APPEND arrays "constexpr std::uint32_t k_${name}[] = {\n#include \"${name}.spv.inc\"\n};\n")
    list(APPEND kernels ${name}=${folder}/${name}.spv.inc)
    list(APPEND files ${folder}/${name}.spv.inc)
  endforeach()
  file(CONFIGURE OUTPUT ${folder}/kernel_words.spv.inc CONTENT "${arrays}" @ONLY)
  add_custom_command(
    OUTPUT ${folder}/kernel_table.spv.inc
    COMMAND headroom_shader_interfaces ${folder}/kernel_table.spv.inc ${kernels}
    DEPENDS headroom_shader_interfaces ${files}
    COMMENT "Bindings of the kernels" VERBATIM)
  set_property(GLOBAL APPEND PROPERTY HEADROOM_SHADER_OUTPUTS ${folder}/kernel_table.spv.inc)
endfunction()
