#pragma once

#include <QDialog>
#include <functional>

class QLineEdit;
class QTextBrowser;

namespace headroom::pages {

/// Something to look up beside the work: a page of text with a field that narrows it. Not modal.
class ReferenceWindow : public QDialog {
  Q_OBJECT

 public:
  /// HTML of what fits the words typed; all of it for none.
  using Page = std::function<QString(const QString& search)>;

  ReferenceWindow(const QString& title, const QString& name, Page page, QWidget* parent);

  /// Shown as things are now, in front, ready to be typed into.
  void present();

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void refresh();

  Page m_page;
  QLineEdit* m_search;
  QTextBrowser* m_text;
};

}  // namespace headroom::pages
