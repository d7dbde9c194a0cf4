#include <QtTest>
#include <vector>

#include "core/engine/kernel_code.h"

using namespace headroom;

/// What the build reads from compiled kernels, against what their first lines say.
class TestKernelCode : public QObject {
  Q_OBJECT

 private slots:
  void bindingsAreTheShaders_data() {
    QTest::addColumn<QString>("kernel");
    QTest::addColumn<QString>("kinds");  // u: uniform buffer, t: texels, s: storage buffer
    QTest::newRow("a projection") << "ffn_down_packed_1"
                                  << "utttts";
    QTest::newRow("a projection of the rows family") << "ffn_down_rows_4"
                                                     << "usttts";
    QTest::newRow("attention") << "attention_decode_packed"
                               << "utttssss";
    QTest::newRow("the rows family's W_O reads no parts") << "attention_output_rows_1"
                                                          << "usttts";
    QTest::newRow("no parameters") << "add_branch"
                                   << "sss";
    QTest::newRow("a cache of halves") << "qkv_projection_rows_4_f16"
                                       << "ustttttsss";
  }
  void bindingsAreTheShaders() {
    QFETCH(QString, kernel);
    QFETCH(QString, kinds);
    const auto kindsOf = [](const engine::KernelCode& code) {
      QString letters;
      for (const VkDescriptorType kind : code.bindings) {
        letters += kind == VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER         ? 'u'
                   : kind == VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER ? 't'
                                                                     : 's';
      }
      return letters;
    };
    QCOMPARE(kindsOf(engine::kernelCode(kernel.toStdString() + "_plain")), kinds);
    // The counters of an audit are bound behind a kernel's own.
    QCOMPARE(kindsOf(engine::kernelCode(kernel.toStdString() + "_audit")), kinds + 's');
  }

  void constantsAreTheShaders() {
    const auto constantsOf = [](const char* kernel) {
      const auto& constants = engine::kernelCode(kernel).constants;
      return std::vector<std::uint32_t>(constants.begin(), constants.end());
    };
    QCOMPARE(constantsOf("attention_merge_plain"), (std::vector<std::uint32_t>{0, 1, 2, 3}));
    QCOMPARE(constantsOf("capture_rows_plain"), std::vector<std::uint32_t>{});
    QCOMPARE(constantsOf("logit_summary_plain"), (std::vector<std::uint32_t>{0, 16}));
  }
};

QTEST_GUILESS_MAIN(TestKernelCode)
#include "tst_kernel_code.moc"
