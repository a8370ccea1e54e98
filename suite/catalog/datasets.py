"""The cards of the test sets."""

from __future__ import annotations

from suite.catalog.cards import DatasetCard

_LAST_BIT = (
    "These are the copies that the field uses: 24 of the 256 levels are one lower than in the original "
    "photographs, which moves PSNR by a few thousandths of a dB."
)

_CARDS = (
    DatasetCard(
        name="Set5",
        title="Set5",
        images=5,
        folder="Set5",
        digests={
            2: "6764461846e4ec0b1adf7237b582e7f3c1a0d14810b29235e9ee776d7b2aeccf",
            3: "fcf05ab8bf762a9f004c5ea360b488de0f6e8c385d767c54f6dc3410408afd72",
            4: "e77b2fe4e2cf9600137d10e48562af361c03d1f85ce8a78f2847f0165fa31887",
        },
        citation="Bevilacqua et al., BMVC 2012",
    ),
    DatasetCard(
        name="Set14",
        title="Set14",
        images=14,
        folder="Set14",
        note="bridge is a grey image. It is repeated over the three channels and judged on luma as every "
        "other image, which raises the mean PSNR of the set by 0.094 dB over judging its grey values.",
        digests={
            2: "343443c91073735cb8cb009e26c05102597ea5437bb7cac993eafd51074a5895",
            3: "74b022b4d32ee88e42facd1c54db52f2b6e56ca69995329d2fd2185014953e0d",
            4: "024c3972f5edbd40f68fa269f8e78f567aa22a917989d2d18ba90b0346b2ee60",
        },
        citation="Zeyde et al., Curves and Surfaces 2010",
    ),
    DatasetCard(
        name="B100",
        title="B100",
        images=100,
        folder="B100",
        note=_LAST_BIT,
        digests={
            2: "d21428eb595a3f8f6b529956335999b48e4a50eb0a634d9bb99378504e97e96d",
            3: "ffba2b649f7c7928b5da36e9ed936866602fabb9f0713c65144c470a8a59cc15",
            4: "16f78b97b0ace841fe5120eff1219a9c5d5eb7f32aead518d7003c4130958502",
        },
        citation="Martin et al., ICCV 2001; the 100 validation images of BSDS500",
    ),
    DatasetCard(
        name="B100_original",
        title="B100 (original files)",
        images=100,
        folder="B100_original",
        note="The photographs of B100 as their authors published them (JPEG).",
        digests={
            2: "4507722424a63a6f3e31e4b7db6a1dfa775899f3ef6e8eadf0ba2f02108bf341",
            3: "f06fae08e51ec0f021502ba54d04cfdb0c80c4ee2d401b4fdd6fcdb35d48f14b",
            4: "915c4897b21fd99e00646e0447fdc4f8e21c1d84b0a124015bfc7e97fb755b75",
        },
        citation="Martin et al., ICCV 2001",
    ),
    DatasetCard(
        name="Urban100",
        title="Urban100",
        images=100,
        folder="Urban100",
        note=_LAST_BIT,
        digests={
            2: "5aa46ca9ad95f04b92d4b14fd87e134673595dfd3805f24028e8c4efecb168c3",
            3: "f02cb3a27ad795cdcc75d36fb5664ee260e7bbb3f19b413183252dc899313d69",
            4: "dafa3c6de95fc819f2f978c63bc46c4e467f9c1ec4312af1c0b9f56d9f6b3484",
        },
        citation="Huang et al., CVPR 2015",
    ),
    DatasetCard(
        name="photos",
        title="scikit-image photos",
        images=5,
        package_images=("astronaut", "camera", "chelsea", "coffee", "motorcycle_left"),
        note="Photographs inside the scikit-image package, so that a machine with neither data nor network "
        "measures something real. No published figure uses them; camera is a grey image.",
        digests={
            2: "84bb9f48c87d94c69acde05413474adba87c35b2f3458a69c2906bef5f0b9cbc",
            3: "0699b4a0907eafdad7409c879f4dd642dab5ec9c8d6fe058d8510dc67911c412",
            4: "80b150c5d541a6edd7ad71fc4036305a8a43a877d8d12e5b933ba0b210032f4e",
        },
        citation="scikit-image, skimage.data",
    ),
)

DATASETS: dict[str, DatasetCard] = {card.name: card for card in _CARDS}
