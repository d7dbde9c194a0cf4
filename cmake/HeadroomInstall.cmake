# cmake --install: a tree that runs from anywhere. Programs find share/headroom from where they are.
include(GNUInstallDirs)
set(app_id org.headroom.Headroom)
set(data ${CMAKE_INSTALL_DATADIR}/headroom)
set(assets ${CMAKE_SOURCE_DIR}/assets)

# The date of the release that project(VERSION) names.
set(HEADROOM_RELEASE_DATE 2026-11-26)

install(TARGETS headroom-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${assets}/models DESTINATION ${data} FILES_MATCHING PATTERN *.gguf PATTERN README.md PATTERN curves.csv)
install(FILES ${assets}/licenses/components.txt DESTINATION ${data}/licenses)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${data}/licenses RENAME GPL-3.0-or-later.txt)
install(FILES ${CMAKE_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(HEADROOM_GUI)
  set(icons ${CMAKE_INSTALL_DATADIR}/icons/hicolor)
  configure_file(${assets}/desktop/${app_id}.metainfo.xml.in ${CMAKE_BINARY_DIR}/${app_id}.metainfo.xml @ONLY)
  install(TARGETS headroom RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES ${assets}/desktop/${app_id}.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/applications)
  install(FILES ${CMAKE_BINARY_DIR}/${app_id}.metainfo.xml DESTINATION ${CMAKE_INSTALL_DATADIR}/metainfo)
  install(DIRECTORY ${assets}/icons DESTINATION ${data})
  install(FILES ${assets}/icons/headroom.svg DESTINATION ${icons}/scalable/apps RENAME ${app_id}.svg)
  foreach(size 48 128 256)
    install(FILES ${assets}/icons/headroom-${size}.png DESTINATION ${icons}/${size}x${size}/apps
            RENAME ${app_id}.png)
  endforeach()
endif()
