# libstreamd, shared and static, and what is installed.
#
# Both are made of one object: the archives of all folders linked together, in which every symbol but
# `streamd_*` is local. So a program that links the archive meets no name of ours but the public ones, and
# neither library hands on a C++ symbol.
include(GNUInstallDirs)

set(library_archives)
foreach(part ${folders})
  list(APPEND library_archives $<TARGET_FILE:${part}>)
endforeach()
set(library_object ${CMAKE_BINARY_DIR}/streamd_library.o)
set(library_archive ${CMAKE_BINARY_DIR}/libstreamd.a)
# Groups of sections (C++ templates) are dissolved: a linker that drops a group because another object has
# the same would leave our local symbols pointing into nothing.
add_custom_command(
  OUTPUT ${library_object} ${library_archive}
  COMMAND ${CMAKE_CXX_COMPILER} -r -nostdlib -fuse-ld=bfd -Wl,--force-group-allocation -Wl,--whole-archive
          ${library_archives} -Wl,--no-whole-archive -o ${library_object}
  COMMAND ${CMAKE_OBJCOPY} --wildcard "--keep-global-symbol=streamd_*" ${library_object}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${library_archive}
  COMMAND ${CMAKE_AR} rcs ${library_archive} ${library_object}
  DEPENDS ${folders}
  VERBATIM)
add_custom_target(streamd_static ALL DEPENDS ${library_archive})

# What the object needs; all of it is there for a C linker too, the C++ runtime included.
set(library_needs ${ROCKSDB_LIBRARY} PkgConfig::RDKAFKA PkgConfig::PCRE2 PkgConfig::XXHASH
                  PkgConfig::JANSSON PkgConfig::CRYPTO PkgConfig::ZLIB PkgConfig::SIMDJSON Threads::Threads m)
set(library_needs_names rocksdb rdkafka pcre2-8 xxhash jansson crypto z simdjson stdc++ m pthread)
list(TRANSFORM library_needs_names PREPEND "-l" OUTPUT_VARIABLE library_needs_text)
list(JOIN library_needs_text " " library_needs_text)

add_library(streamd_shared SHARED ${library_object})
add_dependencies(streamd_shared streamd_static)
set_source_files_properties(${library_object} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
set_target_properties(streamd_shared PROPERTIES OUTPUT_NAME streamd LINKER_LANGUAGE CXX
                      VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_link_libraries(streamd_shared PRIVATE ${library_needs})
if(STREAMD_SANITIZE)
  target_link_options(streamd_shared PRIVATE -fsanitize=${STREAMD_SANITIZE})
else()
  target_link_options(streamd_shared PRIVATE -Wl,--no-undefined -Wl,-z,relro,-z,now)
endif()

configure_file(cmake/streamd.pc.in ${CMAKE_BINARY_DIR}/streamd.pc @ONLY)
configure_file(cmake/streamdConfig.cmake.in ${CMAKE_BINARY_DIR}/streamdConfig.cmake @ONLY)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/streamdConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)

file(GLOB public_headers CONFIGURE_DEPENDS include/streamd/*.h)
install(FILES ${public_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/streamd)
install(TARGETS streamd_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${library_archive} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS streamd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${CMAKE_BINARY_DIR}/streamd.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_BINARY_DIR}/streamdConfig.cmake ${CMAKE_BINARY_DIR}/streamdConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/streamd)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
