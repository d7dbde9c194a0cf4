# headroom_shader(name file [DEFINES a=b ...] [OPTIONS ...]) compiles shaders/<file> to SPIR-V with glslc and writes
# <build>/shaders/<name>.spv.inc, the words as a C++ initialiser list, for #include in a .cpp.
find_program(GLSLC glslc REQUIRED)

function(headroom_shader name file)
  cmake_parse_arguments(ARG "" "" "DEFINES;OPTIONS" ${ARGN})
  set(defines ${ARG_DEFINES})
  list(TRANSFORM defines PREPEND "-D")
  set(output ${CMAKE_BINARY_DIR}/shaders/${name}.spv.inc)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${GLSLC} --target-env=vulkan1.2 -O ${ARG_OPTIONS} -mfmt=num -I${CMAKE_SOURCE_DIR}/shaders ${defines}
            -MD -MF ${output}.d -o ${output} ${CMAKE_SOURCE_DIR}/shaders/${file}
    DEPENDS ${CMAKE_SOURCE_DIR}/shaders/${file}
    DEPFILE ${output}.d
    COMMENT "Shader ${name}" VERBATIM)
  set_property(GLOBAL APPEND PROPERTY HEADROOM_SHADER_OUTPUTS ${output})
endfunction()

# headroom_kernel(name interface file [DEFINES a=b ...]) compiles a kernel of the engine. Kernels of one interface, a
# C++ struct, bind the same things in the same order.
function(headroom_kernel name interface file)
  headroom_shader(${name} ${file} ${ARGN} OPTIONS -g)
  set_property(GLOBAL APPEND PROPERTY HEADROOM_KERNELS ${name}:${interface})
endfunction()

# headroom_kernel_table() writes to <build>/shaders, for all kernels so far: kernel_table.inc, their words as C++
# arrays, found by name with the bindings and specialization constants that the compiled code has; and
# kernel_interfaces.h, the structs in which C++ gives them.
add_executable(headroom_shader_interfaces ${CMAKE_CURRENT_LIST_DIR}/shader_interfaces.cpp)
target_compile_options(headroom_shader_interfaces PRIVATE -Wall -Wextra -Wpedantic -Wshadow)

function(headroom_kernel_table)
  get_property(kernels GLOBAL PROPERTY HEADROOM_KERNELS)
  set(folder ${CMAKE_BINARY_DIR}/shaders)
  set(arguments "")
  set(files "")
  foreach(kernel ${kernels})
    string(REGEX REPLACE ":.*" "" name ${kernel})
    list(APPEND arguments ${kernel}=${folder}/${name}.spv.inc)
    list(APPEND files ${folder}/${name}.spv.inc)
  endforeach()
  add_custom_command(
    OUTPUT ${folder}/kernel_table.inc ${folder}/kernel_interfaces.h
    COMMAND headroom_shader_interfaces ${folder} ${arguments}
    DEPENDS headroom_shader_interfaces ${files}
    COMMENT "Interfaces of the kernels" VERBATIM)
  set_property(GLOBAL APPEND PROPERTY HEADROOM_SHADER_OUTPUTS ${folder}/kernel_table.inc ${folder}/kernel_interfaces.h)
endfunction()
