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
  set_property(GLOBAL APPEND PROPERTY HEADROOM_KERNELS ${name}:${interface}=${CMAKE_BINARY_DIR}/shaders/${name}.spv.inc)
endfunction()

# Whether glslc knows cooperative matrices: Debian 13's does, Debian 12's does not.
if(NOT DEFINED HEADROOM_GLSLC_MATRICES)
  file(WRITE ${CMAKE_BINARY_DIR}/matrices.comp
       "#version 460\n#extension GL_KHR_cooperative_matrix : require\nvoid main() {}\n")
  execute_process(COMMAND ${GLSLC} --target-env=vulkan1.2 -o ${CMAKE_BINARY_DIR}/matrices.spv
                          ${CMAKE_BINARY_DIR}/matrices.comp
                  RESULT_VARIABLE refused OUTPUT_QUIET ERROR_QUIET)
  string(COMPARE EQUAL "${refused}" 0 known)
  set(HEADROOM_GLSLC_MATRICES ${known} CACHE BOOL "glslc knows GL_KHR_cooperative_matrix")
endif()

# headroom_matrix_kernels(list) are the kernels with cooperative matrices, one in a line of shaders/<list>: its name, its
# interface, the file, and what is defined for it. Where the compiler does not know them, what shaders/compiled/make
# compiled of them is taken.
function(headroom_matrix_kernels list)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/shaders/${list})
  file(STRINGS ${CMAKE_SOURCE_DIR}/shaders/${list} lines REGEX "^[a-z]")
  foreach(line ${lines})
    separate_arguments(words UNIX_COMMAND "${line}")
    list(POP_FRONT words name interface file)
    if(HEADROOM_GLSLC_MATRICES)
      headroom_kernel(${name} ${interface} ${file} DEFINES ${words})
    else()
      set_property(GLOBAL APPEND PROPERTY HEADROOM_KERNELS
                   ${name}:${interface}=${CMAKE_SOURCE_DIR}/shaders/compiled/${name}.spv)
    endif()
  endforeach()
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
    string(REGEX REPLACE ".*=" "" file ${kernel})
    list(APPEND arguments ${kernel})
    list(APPEND files ${file})
  endforeach()
  add_custom_command(
    OUTPUT ${folder}/kernel_table.inc ${folder}/kernel_interfaces.h
    COMMAND headroom_shader_interfaces ${folder} ${arguments}
    DEPENDS headroom_shader_interfaces ${files}
    COMMENT "Interfaces of the kernels" VERBATIM)
  set_property(GLOBAL APPEND PROPERTY HEADROOM_SHADER_OUTPUTS ${folder}/kernel_table.inc ${folder}/kernel_interfaces.h)
endfunction()
