import os
import re

from setuptools import find_packages, setup

#: Address of the public repository, such as https://github.com/<owner>/autonas, which a release sets.
REPOSITORY = os.environ.get("REPOSITORY_URL", "").rstrip("/")


def readme():
    """Return README with absolute links, as package registries need; without an address, with their text alone."""
    with open("README.md", encoding="utf-8") as file:
        text = file.read()
    pictures, links = r"!\[([^]]*)\]\((?!https?:)([^)]*)\)\n*", r"(?<!!)\[([^]]*)\]\((?!https?:)([^)]*)\)"
    if not REPOSITORY:
        return re.sub(links, r"\1", re.sub(pictures, "", text))
    text = re.sub(pictures, rf"![\1]({REPOSITORY}/raw/main/\2)\n\n", text)
    return re.sub(links, rf"[\1]({REPOSITORY}/blob/main/\2)", text)


setup(
    name="autonas",
    version="0.1.0",
    description="Neural architecture search for Keras: fit a data set, get a searched model.",
    long_description=readme(),
    long_description_content_type="text/markdown",
    author="The autonas contributors",
    project_urls={"Source": REPOSITORY, "Issues": f"{REPOSITORY}/issues"} if REPOSITORY else {},
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords=["neural architecture search", "AutoML", "hyperparameter optimization", "Keras", "TensorFlow", "JAX"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["autonas", "autonas.*"]),
    package_data={"autonas": ["__init__.pyi", "py.typed"], "autonas.estimators": ["presets.json"]},
    # The upper bounds are the next major versions. CI tests the newest versions, and searches with the lower bounds.
    install_requires=[
        "tensorflow>=2.21,<3",
        "keras>=3.14,<4",
        "keras-tuner>=1.4.8,<2",
        "six>=1.16",  # Keras Tuner imports it without declaring it.
        "numpy>=1.26,<3",
        "scikit-learn>=1.7,<2",
        "pandas>=2.2,<4",
        "threadpoolctl>=3.2",  # comes with scikit-learn
        "joblib>=1.3",  # comes with scikit-learn
        "scipy>=1.11",  # comes with scikit-learn
        "cloudpickle>=3,<4",
        "tensorboard>=2.21,<3",  # 2.20 doesn't start with current setuptools.
        "matplotlib>=3.8",
        "rich>=13",
        "filelock>=3.12",
        "moocore>=0.2,<1",
        "ai-edge-litert>=2.0,<3",
    ],
    extras_require={
        # The next major version of MkDocs has no plugins.
        "docs": [
            "mkdocs>=1.6,<2",
            "mkdocs-material>=9.7,<10",
            "mkdocstrings[python]>=1.0.7,<2",
            "nbconvert>=7.16",
            "pytest>=8",  # The contracts for tests are pytest classes.
            "ruff>=0.17",
        ],
        "hub": ["keras-hub>=0.20"],
        "interactive": ["plotly>=6"],
        "mlflow": ["mlflow>=3.11"],
        "onnx": ["onnx>=1.17", "onnxruntime>=1.20", "tf2onnx>=1.17"],
        "parquet": ["pyarrow>=16"],
        "ray": ["ray>=2.40,<3"],
        "wandb": ["wandb>=0.26"],
        "test": [
            "grain>=0.2.6",
            "ipykernel>=6.29",
            "jax>=0.5,<0.11",
            "mlflow>=3.11",
            "mypy>=1.11",
            "nbclient>=0.10",
            "onnx>=1.17",
            "onnxruntime>=1.20",
            "playwright>=1.45",
            "plotly>=6",
            "polars>=1",
            "pyarrow>=16",
            "pytest>=8",
            "pytest-xdist>=3.8",
            "ray>=2.40,<3",
            "ruff>=0.17,<0.18",  # The format of another version may differ.
            "tf2onnx>=1.17",
        ],
    },
    entry_points={"console_scripts": ["autonas=autonas.cli:main"]},
)
