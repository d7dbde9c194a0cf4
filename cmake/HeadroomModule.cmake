# One folder is one module is one static library: headroom_module(core/model LINKS ...) builds every .cpp of
# the current folder and those below it, but for those after EXCLUDE, as headroom_core_model.
# With HEADROOM_UNITY a dozen files are compiled together, which from nothing takes half the time: files of a module have
# no two names of their own in common.

add_library(headroom_flags INTERFACE)
target_include_directories(headroom_flags INTERFACE ${CMAKE_SOURCE_DIR})
# Designated initialisers leave members out on purpose: Vulkan's structs are meant to be zero there.
target_compile_options(headroom_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow
                                                -Wno-missing-field-initializers)
if(HEADROOM_WERROR)
  target_compile_options(headroom_flags INTERFACE -Werror)
endif()
# GCC 12 reports overlaps in std::string's operator+ that are not there (its bug 105651).
target_compile_options(headroom_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# Eigen, for modules that compute with it. With AVX-512 its sums go through intrinsics of GCC 12's own header that
# initialise a variable with itself on purpose (GCC's bug 105593, gone in 13).
add_library(headroom_eigen INTERFACE)
target_link_libraries(headroom_eigen INTERFACE Eigen3::Eigen)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(headroom_eigen INTERFACE -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
if(HEADROOM_MARCH)
  target_compile_options(headroom_flags INTERFACE -march=${HEADROOM_MARCH})
endif()
if(HEADROOM_SANITIZE)
  target_compile_options(headroom_flags INTERFACE -fsanitize=${HEADROOM_SANITIZE} -fno-omit-frame-pointer
                                                  -fno-sanitize-recover=all)
  target_link_options(headroom_flags INTERFACE -fsanitize=${HEADROOM_SANITIZE})
endif()

function(headroom_module name)
  cmake_parse_arguments(ARG "" "" "LINKS;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(TRANSFORM ARG_EXCLUDE PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  list(REMOVE_ITEM sources ${ARG_EXCLUDE})
  string(REPLACE "/" "_" target "headroom_${name}")
  if(sources)
    add_library(${target} STATIC ${sources})
    if(HEADROOM_UNITY)
      set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
    endif()
    target_link_libraries(${target} PUBLIC headroom_flags ${ARG_LINKS})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE headroom_flags ${ARG_LINKS})
  endif()
endfunction()
