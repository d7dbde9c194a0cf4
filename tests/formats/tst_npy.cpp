#include <QTest>

#include "core/formats/npy.h"
#include "core/model/error.h"
#include "tests/support/fixtures.h"

using namespace headroom;

class TstNpy : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  std::string file(const char* name) const { return m_folder.filePath(name).toStdString(); }
  std::string header(const std::string& dictionary, std::size_t dataBytes) const {
    std::string text = "\x93NUMPY";
    text += {1, 0, static_cast<char>(dictionary.size() & 0xFF), static_cast<char>(dictionary.size() >> 8)};
    return text + dictionary + std::string(dataBytes, '\0');
  }

 private slots:
  void roundTrip_data() {
    QTest::addColumn<QList<qint64>>("shape");
    QTest::newRow("scalar") << QList<qint64>{};
    QTest::newRow("vector") << QList<qint64>{5};
    QTest::newRow("matrix") << QList<qint64>{3, 4};
    QTest::newRow("four axes") << QList<qint64>{2, 1, 3, 2};
    QTest::newRow("empty") << QList<qint64>{0, 4};
  }
  void roundTrip() {
    QFETCH(QList<qint64>, shape);
    const std::vector<std::int64_t> sizes(shape.begin(), shape.end());
    std::size_t count = 1;
    for (std::int64_t size : sizes) count *= static_cast<std::size_t>(size);
    std::vector<float> floats(count);
    std::vector<double> doubles(count);
    for (std::size_t i = 0; i < count; ++i) {
      doubles[i] = 1.0 / (static_cast<double>(i) + 3.0);
      floats[i] = static_cast<float>(doubles[i]);
    }
    formats::writeNpy(file("d.npy"), sizes, std::span<const double>(doubles));
    formats::writeNpy(file("f.npy"), sizes, std::span<const float>(floats));
    QVERIFY(formats::readNpy(file("d.npy")).shape == sizes);
    QVERIFY(formats::readNpy(file("d.npy")).values == doubles);
    QVERIFY(formats::readNpy(file("f.npy")).values == std::vector<double>(floats.begin(), floats.end()));
    // The data of every NPY file starts at a multiple of 64 bytes.
    QCOMPARE((tests::readText(file("f.npy")).size() - count * 4) % 64, std::size_t{0});
  }

  void readsWhatNumPyWrote() {
    const auto array = formats::readNpy(tests::fixturePath("checkpoints/llama-mqa-8x8-f32.logits.npy"));
    QVERIFY(array.shape == (std::vector<std::int64_t>{24, 384}));
    QCOMPARE(array.values.size(), std::size_t{24 * 384});
  }

  void refusals_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QString>("fragment");
    const auto add = [&](const char* name, const std::string& bytes, const char* fragment) {
      QTest::newRow(name) << QByteArray::fromStdString(bytes) << fragment;
    };
    add("not NPY", "hello, world", "is not an NPY file");
    add("cut header", header("{'descr': '<f4', ", 0).substr(0, 12), "header claims");
    add("integers", header("{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }\n", 4), "element type");
    add("big-endian", header("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }\n", 4),
        "element type");
    add("Fortran order", header("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }\n", 4), "Fortran");
    add("no shape", header("{'descr': '<f4', 'fortran_order': False}\n", 4), "no shape");
    add("negative size", header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }\n", 4),
        "not a list");
    add("too few values", header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 4),
        "more values");
    add("too many values", header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 12),
        "has 2 values");
    add("huge shape",
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n", 8),
        "more values");
  }
  void refusals() {
    QFETCH(QByteArray, bytes);
    QFETCH(QString, fragment);
    std::ofstream(file("bad.npy"), std::ios::binary) << bytes.toStdString();
    try {
      formats::readNpy(file("bad.npy"));
      QFAIL("was read");
    } catch (const model::Error& error) {
      QVERIFY2(QString(error.what()).contains(fragment), error.what());
    }
  }
};

QTEST_GUILESS_MAIN(TstNpy)
#include "tst_npy.moc"
