#include <QTest>
#include <vector>

#include "core/engine/kernel_code.h"
#include "kernel_interfaces.h"

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
                                                     << "usttss";
    QTest::newRow("attention") << "attention_decode_packed"
                               << "utttssss";
    QTest::newRow("the rows family's W_O reads no parts") << "attention_output_rows_1"
                                                          << "usttss";
    QTest::newRow("no parameters") << "add_branch"
                                   << "sss";
    QTest::newRow("a cache of halves") << "qkv_projection_rows_4_f16"
                                       << "usttsstsss";
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

  void whatIsGivenComesInTheShadersOrder() {
    // add_branch.comp: branch, gain, stream; MODEL_DIM, STREAM_COLUMNS, EPSILON.
    const auto part = [](std::uint64_t offset) { return vulkan::Binding{.offset = offset}; };
    const engine::AddBranch::Bindings bindings{.branch = part(1), .gain = part(2), .stream = part(3)};
    const std::vector<vulkan::Binding> order = bindings.inOrder();
    QCOMPARE(order.size(), 3u);
    for (std::size_t at = 0; at < order.size(); ++at) QCOMPARE(order[at].offset, at + 1);
    const engine::AddBranch::Constants constants{.modelDim = 320u, .streamColumns = 352u, .epsilon = 1.0f};
    const std::vector<std::pair<std::uint32_t, std::uint32_t>> expected{{0, 320}, {1, 352}, {2, 0x3F800000}};
    QCOMPARE(constants.byId(), expected);
  }

  void constantsAreTheShaders() {
    const auto constantsOf = [](const char* kernel) {
      const auto& constants = engine::kernelCode(kernel).constants;
      return std::vector<std::uint32_t>(constants.begin(), constants.end());
    };
    QCOMPARE(constantsOf("attention_merge_plain"), (std::vector<std::uint32_t>{0, 1, 2, 3, 4}));
    QCOMPARE(constantsOf("capture_rows_plain"), std::vector<std::uint32_t>{});
    QCOMPARE(constantsOf("logit_summary_plain"), (std::vector<std::uint32_t>{0, 16}));
  }
};

QTEST_GUILESS_MAIN(TestKernelCode)
#include "tst_kernel_code.moc"
